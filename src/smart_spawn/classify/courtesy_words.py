"""The words of courtesy: what people say around a task without saying anything about it.

Whole words in lower case, letters only (`s'il` is two words). Scripts without spaces have fragments instead. A
clause counts as courtesy only when every word of it stands here, so content words must never be added.
"""

from __future__ import annotations

_FILLERS = """
    good ask million ton tons bunch a able about again ahead all also am an and any anything are as
    assistant at be because been bit bother but by can chance could d day did do doing everyone
    everything few for forward free friend from get give go got great had hand happy have having hear
    hearing here how if in is it just kind know later let lets like little ll look looking lot lots love
    lovely m many matter may me might mind minute much my need next nice now of off on one only or our
    over piece possible possibly quick quickly re really rest right rush s session should small so some
    somebody someone something soon still stuff sure t take team that the them then there these thing
    things this those time to today tomorrow u up us ve very want was we week weekend well what when
    whenever which will wish with wonder wondering work would year you your yours ab aber alle allen
    alles als auch auf aus bei beim bin da dabei das dass dem den der des dich die dies diese diesem
    diesen dieses dir doch du ein eine einem einen einer eines einmal erst es etwas euch für gern gerne
    gleich guten gute habe haben hast hier ich ihm ihnen ihr ihre ihrer im ist ja jetzt kann kannst
    könnte könnten könntest kurz kurze mal man mein meine mich mir mit möchte nun nur ob sehr sein sie
    sind tag tun und uns viel viele vielen von vorab voraus wäre wären wenn wie wir würde würden würdest
    zeit zu zum zur ahora al algo antes buen buena buenas buenos como con cuando de del días doy e el
    ella en esa ese eso espero esta este esto estas estos favor haz haga hagas hacer he la las le les lo
    los mi mucha mucho muchas muchos muy necesito nos o para pero podría podrías poder por puede puedes
    pueda puedas que quiero quisiera se si su tarde tardes te tengas tiempo tiene tienes todo todos tu
    tus un una usted ustedes y yo ai ainsi au aux avec avez bien bon bonne ce ceci cela ces cet cette ci
    comme dans dessous dessus elle est et faire fais faites il j je journée jour l leur lui ma mais mes
    moi mon ne nous ou par pas pour pourrais pourrait pourriez pouvez peux plus plaît plait plaira qu
    quand quelque quelques qui sa serais serait serai soir soirée son suis ta temps tes toi toute tous
    tout une va vas veux voici voilà vos votre vous ao aos com depois dia dos ela ele em essa esse eu
    faça faz fazer gostaria isso isto lhe meu minha muita muito muitos na nas no noite os pela pelo pode
    podem poderia pra preciso quando sem ser seu seria sua tem tempo ter teu tudo um uma você vocês
    adesso alla avere avete che chi col come cui dal della delle di ecco essere fai fare farmi favore
    giorno giornata gli ha hai ho i io lei mia mio molte molto nel non ora per piacere più poi potrebbe
    potresti può puoi qualcosa quella quello questa questo sei sera sono sta sul ti tua tuo tutto uno
    vorrei в вас вам ваш вы для его если же за и из к как мне мной меня можете можешь мог могли мы на не
    нужно о от по с сделай сделайте сделать так ты у что это этот эту очень большое тебя тебе een het
    dit dat deze jij uw mij mijn met van voor zou kun kunt kan willen wil graag even not too care end
    two couple long every each busy spare sec second seconds wonderful brilliant amazing awesome
    excellent perfect fantastic incredible bot claude chatgpt gpt gemini folks guys pal mate buddy sir
    madam consideration effort efforts patience attention support cooperation response reply out way
    since hoping wanted kindness truly deeply extremely incredibly super greatly highly always delighted
    glad pleasure asap urgent urgently important priority convenience earliest while stuck struggling
    beforehand upfront instance seid nett zusammen könntet wärt würdet mühe unterstützung geduld rat
    freue freuen hören rückmeldung schöne schönen woche wochenende tust tätest paar sekunde minuten
    euren eurer bescheid übernimm übernehmen kümmere kümmern darum hierbei damit dafür gut geht hätte
    hättest hättet toll groß großen tausend muchísimas muchísimo hicieras hicieses hagan echar echarme
    mano pequeño pequeña atención apoyo consulta fuera fuese tan qué tal encuentres encuentre esté estés
    gran lindo excelente semana cuídate quedo besoin coup main aurais auriez petit petite service
    semaine beaucoup mille infiniment là agréable belle excellente attente retour bientôt occuper
    charger allez portez dare tanto tante tanta bisogno avrei avremmo serve saluto piccolo piccola
    grande bene buona buon lavoro saresti sarebbe così occupati mani bem bom boa precisava ótimo ótima
    atenção pequeno pequena ajudinha esteja poderias podes cuide minutes moments days ça comment
    completaras completar stai okay ok yes oui sí sì sim lend quanto segue fizesse fizeres afternoon
    occasion opportunity fine moment below above underneath mentioned specified described given chose
    wen wem euer eure würd tät machst könntens please same message email messages find finds brauche
    braucht mí cosa devi deve dovresti é è sou são foi nosso going hopefully trust
"""
FILLERS = frozenset(_FILLERS.split())
"""Words that may stand in a courtesy but do not make one."""
_COURTEOUS = """
    hello hi hey hiya howdy greetings dear welcome morning afternoon evening please pls plz kindly
    thanks thank thx thankful tysm ty appreciate appreciated appreciates appreciation grateful
    gratefully gratitude sorry excuse pardon apologies apologise apologize hope hopefully help helps
    helped helping assist assistance regards respectfully sincerely cheers wishes favor favour bye
    goodbye advance trouble pleased questions hallo moin servus grüezi grüß gruß grüße grüßen grüsse
    gruss bitte danke dank dankbar dankeschön freundlich freundliche freundlichen liebe lieben lieber
    herzlich herzliche herzlichen hilf helfen hilfe helft hoffe entschuldigung verzeihung morgen abend
    tschüss beste besten hola saludo saludos gracias agradezco agradecería agradecido agradecida
    agradecimiento ayuda ayudar ayudarme ayúdame atentamente cordial cordialmente cordiales perdón
    perdona perdone disculpa disculpe estimado estimada noches abrazo antemano porfa amable bonjour
    bonsoir salut coucou merci remercie remercier remerciements veuillez svp stp aide aider aidez
    cordialement sincèrement salutations cher chère désolé désolée excusez avance gentil obligé olá oi
    obrigado obrigada obg agradeço agradeceria gentileza ajuda ajudar ajude ajudarme atenciosamente
    cumprimentos abraço abraços desculpe desculpa desde já prezado prezada caro cara favore ciao salve
    buongiorno buonasera grazie ringrazio ringraziamenti cortesia gentilmente cortesemente aiuto aiutami
    aiutarmi aiutare distinti cordiali saluti scusa scusi anticipo gentile привет здравствуйте
    здравствуй пожалуйста спасибо благодарю благодарен помоги помогите помочь уважением заранее hoi
    goedemorgen goedemiddag alsjeblieft alstublieft bedankt dankjewel groet groeten vriendelijke
    안녕하세요 감사합니다 고맙습니다 부탁드립니다 부탁해요 부탁합니다 lieb nett herzlichst
    hochachtungsvoll lg vg mfg gefallen bitten hallöchen helfe hilfst ayudarías ayudarnos ayúdeme
    agradeceré ruego colaboración abrazos service reconnaissant reconnaissante remerciant gentillesse
    aimable aimablement aiutarci gentilissimo pregherei prego grato grata valeu brigado buenos buenas
    buen guten bom boa tudo tal geht stai allez assisting obliged indebted muchísimas lend disturb
    disturbing interrupt owe infinite borrow bothering wondered vorab dankend behilflich ayudáis ayudad
    molesto molestar dérange déranger disturbo disturbare chiedo incomodar incomodo finds obrigadinho
    nochmals
"""
COURTEOUS = frozenset(_COURTEOUS.split())
"""Words that make a clause a courtesy, wherever it stands."""
_ANNOUNCING = """
    task tasks job assignment request question following below underneath here complete do done handle
    carry perform execute tackle attend assist solve instruction instructions need moment minute time
    chance problem issue thing aufgabe aufgaben auftrag anfrage frage bitte folgende folgenden folgendes
    folgender unten erledige erledigen erledigst bearbeite bearbeiten mach mache machen führe ausführen
    tue anliegen tarea tareas encargo petición solicitud pregunta siguiente siguientes continuación
    abajo realiza realice realizar completa completar ejecuta ejecute ejecutar cumple resuelve momento
    minuto trabajo tâche tâches demande suivant suivante suivantes suivants dessous effectuer effectue
    effectuez réaliser réalise réalisez accomplir accomplis accomplissez exécuter exécute exécutez
    exécution traiter traite traitez instant travail tarefa tarefas pedido pergunta seguinte seguintes
    abaixo executar realize cumpra resolva conclua trabalho compito compiti attività incarico richiesta
    domanda seguente seguenti sotto esegui esegua eseguire svolgi svolga svolgere completi completare
    porta termine lavoro задача задачу задание вопрос просьба следующее следующую следующий ниже выполни
    выполните выполнить минута taak opdracht vraag volgende hieronder doe voer uit folgend completaras
    completes completases hicieras urgente urgent dringend realizaras besoin bisogno preciso necesito
    requests folgendem hierbei dabei führt erledigt bearbeitet macht tut übernimmst übernehmt übernehmen
    ausführt umsetzen resolved realicen hagas haced hagáis ejecutad cumplid cumplan faites fassiez
    effectuant compléter complétez complète fizesse fizer faça resolver realizasse svolgessi facessi
    eseguissi mentioned folgt devi dovresti trata
"""
ANNOUNCING = frozenset(_ANNOUNCING.split())
"""Words that announce a task: a clause of these and fillers, before a colon, says only that one follows."""
_CLOSING = """
    thanks thank thx ty tysm many much best kind warm regards cheers sincerely appreciated appreciate
    yours please vielen danke dank besten herzlichen liebe viele freundliche mit beste gracias muchas
    mil saludos un atentamente merci cordialement bien obrigado obrigada muito abraços atenciosamente
    grazie mille cordiali distinti tante спасибо заранее с bedankt met with really greatly muchísimas
    ringrazio ti beaucoup tausend große herzlichst lg vg mfg bunch infinite valeu bonne
"""
CLOSING = frozenset(_CLOSING.split())
"""Words that a closing may begin with when no punctuation stands before it."""
_FRAGMENTS = """
    您好 你好 大家好 早上好 下午好 晚上好 嗨 请问 请您 请你 请 請 麻烦您 麻烦你 麻烦 劳驾 拜托了 拜托
    帮我 帮忙 帮助 帮 一下 谢谢您 谢谢你 谢谢 謝謝 多谢 感谢 感激 非常 十分 万分 提前 先 辛苦了 辛苦 你
    您 我 能 能否 能不能 可以 可否 是否 吗 嘛 吧 啊 呢 了 的 地 得 在 有 想 想要 需要 希望 这个 这项
    这件 那个 一个 一项 一件 个 项 件 事情 事 任务 工作 作业 请求 要求 问题 以下 下面 下述 如下 下列
    完成 执行 处理 做 办 解决 内容 是 就 时间 时候 如果 方便 的话 空 为 给 来 去 把 好 很 祝好 此致 敬礼
    顺祝 商祺 こんにちは こんばんは おはようございます おはよう はじめまして お世話になっております
    お世話になります お疲れ様です すみません すみませんが 恐れ入りますが 恐縮ですが お手数ですが
    お手数をおかけしますが もしよろしければ よろしければ できれば 申し訳ありませんが
    ありがとうございます ありがとうございました ありがとう 感謝します 感謝いたします
    よろしくお願いいたします よろしくお願いします よろしく 宜しく お願いいたします お願い致します
    お願いします お願い お願いできますか お手伝い 手伝って ください 下さい くださいませ いただけますか
    もらえますか くれますか してください して しなさい します する 次 下記 この その タスク 作業 課題
    仕事 依頼 質問 実行 完了 対応 処理 遂行 やって 行って こなして の を に は が で と も です ます
    ので どうか どうぞ 前もって 先に 皆さん 다음 아래 작업 과제 업무 요청 을 를 해 주세요 주십시오 수행
    완료 처리 부탁 안녕하세요 감사합니다 고맙습니다 합니다 드립니다 이 하세요 帮个忙 忙 急 尽快 比较 这
    那 下 真的 特别 太 感恩 劳烦 烦请 有劳 需求 指令 协助 配合 支持 老师 朋友 亲 哈喽 早安 晚安 多多
    关照 期待 回复 お忙しい ところ こと でき でしょうか ますでしょうか いただけ いただき いただく もらえ
    くださる 頂け ませ ん か よう いつも 大変 恐縮 失礼 恐れ入ります いたします 致します 助かります
    助けて 手伝い 嬉しい 幸い 急ぎ なるべく 早め お時間 ある とき 際 何卒 以上 では ちょっと 少し 相談
    用件 私 あなた さん 様 先生 ね よ り 도와 좀 것 수 있 을까요 에 다음과 같은 요청드립니다 看 看一下
    看看 按 按照 这些 こちら どうも 見て 見ていただけますか 行う 頼み 頼みます 頼む 進めて くれる
    もらって いま 今 お時間のある 任務 通り 啦 拜托啦 哦 呀 これ それ あと 添付
"""
FRAGMENTS = tuple(_FRAGMENTS.split())
"""Pieces of courtesy and announcement in scripts without spaces (Korean spaces words, but glues endings on)."""
_TELLING_FRAGMENTS = """
    您好 你好 大家好 早上好 下午好 晚上好 请问 请您 请你 请 請 麻烦您 麻烦你 麻烦 劳驾 拜托了 拜托 帮我
    帮忙 谢谢您 谢谢你 谢谢 謝謝 多谢 感谢 感激 辛苦了 祝好 此致 敬礼 任务 以下 下面 如下 下列 请求
    こんにちは こんばんは おはようございます おはよう はじめまして お世話になっております
    お世話になります お疲れ様です すみません すみませんが 恐れ入りますが 恐縮ですが お手数ですが
    お手数をおかけしますが もしよろしければ よろしければ 申し訳ありませんが ありがとうございます
    ありがとうございました ありがとう 感謝します 感謝いたします よろしくお願いいたします
    よろしくお願いします よろしく 宜しく お願いいたします お願い致します お願いします お願いできますか
    お手伝い 手伝って タスク 作業 課題 依頼 次 下記 안녕하세요 감사합니다 고맙습니다 부탁 부탁드립니다
    주세요 작업 과제 다음 帮个忙 感恩 劳烦 烦请 有劳 协助 早安 恐れ入ります 恐縮 お忙しい 失礼
    助かります 助けて 手伝い 何卒 お願い 도와 こちら 頼みます 頼み 要求 任務
"""
TELLING_FRAGMENTS = frozenset(_TELLING_FRAGMENTS.split())
"""Those of the fragments that make a clause a courtesy."""

_GREETINGS = """
    hello hi hey hiya howdy greetings dear hallo moin servus liebe lieber hola estimado estimada bonjour
    bonsoir salut cher chère olá oi prezado prezada caro cara ciao salve buongiorno привет здравствуйте hoi
"""
GREETINGS = frozenset(_GREETINGS.split())
"""Words that a name may follow: "Dear Dr. Miller,"."""

_NOT_BEFORE_CLOSING = """
    a an and or the of about for to with say says saying said mean means meaning word phrase translate like by
    in sincere le la les un une el los las das der die ein eine dire decir sagen di il
"""
NOT_BEFORE_CLOSING = frozenset(_NOT_BEFORE_CLOSING.split())
"""Words after which thanks are what the task is about: "a poem that says thank you"."""

COURTESY_WORDS = FILLERS | COURTEOUS | ANNOUNCING | CLOSING
"""All of them. They may stand around any task, so the classifier learns nothing from one of them alone."""

_ASKING = """
    what why how who whom whose which where warum wieso wie wer welche welcher welches wo qué cuál cuáles cómo
    dónde quién quoi pourquoi comment quel quelle où che cosa perché quale dove chi quê porquê qual como onde quem
    что почему как кто какой где
"""
ASKING = frozenset(_ASKING.split())
"""Words of questions: a clause with one asks for something, even when all its words are words of courtesy."""
ASKING_FIRST = "was"
"""One that asks only where it comes first: in German, not in English."""
