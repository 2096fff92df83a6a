"""What the owner sets is what is in effect, and a mistake is named with the way out."""

import runpy
from decimal import Decimal
from pathlib import Path

import pytest

from smart_spawn.errors import SettingsError
from smart_spawn.model import Budget, Category
from smart_spawn.settings import Settings, effective, load_settings, load_with_origins


def from_env(**variables: str) -> Settings:
    return load_settings(environ={f"SMART_SPAWN_{name}": value for name, value in variables.items()})


def problem(**variables: str) -> SettingsError:
    with pytest.raises(SettingsError) as caught:
        from_env(**variables)
    return caught.value


def file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "some.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_nothing_needs_to_be_set() -> None:
    """Without a file and without variables the defaults of the contract are in effect."""
    settings = load_settings(environ={})
    assert settings == Settings()
    assert (settings.host, settings.port, settings.default_budget) == ("127.0.0.1", 3000, Budget.MEDIUM)
    assert (settings.min_capability, settings.refresh_hours) == (40, 6)
    assert settings.max_cost_usd_per_run == Decimal(5)
    assert settings.providers == {}


def test_later_places_win(tmp_path: Path) -> None:
    """A variable beats the file, an argument beats both; what nobody else sets stays as the file says."""
    path = file(
        tmp_path, 'port = 1\nhost = "::1"\nverbose = true\n[sources.lmarena]\nenabled = false\ntimeout_s = 5'
    )
    environ = {
        "SMART_SPAWN_PORT": "2",
        "SMART_SPAWN_HOST": "127.0.0.2",
        "SMART_SPAWN_SOURCES__LMARENA__TIMEOUT_S": "7",
    }
    settings = load_settings(path, environ=environ, overrides={"port": 3})
    assert (settings.port, settings.host, settings.verbose) == (3, "127.0.0.2", True)
    assert (settings.source("lmarena").enabled, settings.source("lmarena").timeout_s) == (False, 7)


def test_the_file_is_found_where_people_put_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The working folder comes before the home folder, and a named file before both."""
    home = tmp_path / "home"
    (home / ".smart-spawn").mkdir(parents=True)
    (home / ".smart-spawn" / "smart-spawn.toml").write_text("port = 1")
    monkeypatch.chdir(tmp_path)
    environ = {"HOME": str(home)}
    assert load_settings(environ=environ).port == 1
    (tmp_path / "smart-spawn.toml").write_text("port = 2")
    assert load_settings(environ=environ).port == 2
    named = file(tmp_path, "port = 3")
    assert load_settings(environ={**environ, "SMART_SPAWN_CONFIG": str(named)}).port == 3


@pytest.mark.parametrize(
    ("name", "key", "meant"),
    [
        ("PROT", "prot", "port"),
        ("HOEM", "hoem", "home"),
        ("DEFAULT_BUGDET", "default_bugdet", "default_budget"),
        ("BUDGET", "budget", "default_budget"),
        ("SOURCES__OPENROUTR__ENABLED", "sources.openroutr", "sources.openrouter"),
        ("SOURCES__LMARENA__REFRESH_HOUR", "sources.lmarena.refresh_hour", "sources.lmarena.refresh_hours"),
        ("CATEGORY_WEIGHTS__CODIN", "category_weights.codin", "category_weights.coding"),
        ("SCORING__WEIGHTS__CODNG__AIDER", "scoring.weights.codng", "scoring.weights.coding"),
        ("SERVER__MAX_BODY_BYTE", "server.max_body_byte", "server.max_body_bytes"),
        ("PROVIDERS__LOCAL__API_KEYS", "providers.local.api_keys", "providers.local.api_key"),
        (
            "PROVIDERS__LOCAL__DATA_POLICY__REGIO",
            "providers.local.data_policy.regio",
            "providers.local.data_policy.region",
        ),
    ],
)
def test_an_unknown_key_comes_with_the_nearest_known_one(name: str, key: str, meant: str) -> None:
    """A typo anywhere names the key, the variable it came from and the key that was meant."""
    error = problem(**{name: "1"})
    assert error.message == f"unknown settings key `{key}` (from environment variable `SMART_SPAWN_{name}`)"
    assert error.hint == f"did you mean `{meant}`?"
    assert error.code == "INVALID_SETTINGS"


def test_a_key_near_to_nothing_lists_what_there_is() -> None:
    """A far-fetched guess would mislead; the list does not."""
    assert problem(XYZZY="1").hint.startswith("known keys: home, database_url, host, port, ")


def test_a_wrong_choice_lists_the_right_ones(tmp_path: Path) -> None:
    """Where only some words are allowed, all of them are named, and the file that holds the wrong one."""
    path = file(tmp_path, 'default_budget = "cheap"')
    with pytest.raises(SettingsError) as caught:
        load_settings(path, environ={})
    assert caught.value.message == f"`cheap` is not a valid `default_budget` (from `{path}`)"
    assert caught.value.hint == "one of: low, medium, high, any"
    assert problem(SCORING__NORM="zscor").hint.startswith("did you mean `zscore`? one of: ")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("PORT", "70000", "`port` is wrong: input should be less than or equal to 65535, not `70000`"),
        ("PORT", "http", "`port` is wrong: input should be a valid integer"),
        ("MIN_CAPABILITY", "nan", "`min_capability` is wrong: input should be a finite number"),
        ("REFRESH_HOURS", "inf", "`refresh_hours` is wrong: input should be a finite number"),
        ("REFRESH_HOURS", "0", "`refresh_hours` is wrong: input should be greater than 0"),
        (
            "CATEGORY_WEIGHTS__CODING",
            "-1",
            "`category_weights.coding` is wrong: input should be greater than or equal",
        ),
        ("MAX_COST_USD_PER_RUN", "0", "`max_cost_usd_per_run` is wrong: input should be greater than 0"),
        (
            "PROVIDERS__X__BASE_URL",
            "host:80/v1",
            "it should be an address that begins with `http://` or `https://`",
        ),
        ("SOURCES__LMARENA", "on", "`sources.lmarena` is wrong: input should be a table"),
    ],
)
def test_a_wrong_value_says_what_would_be_right(name: str, value: str, said: str) -> None:
    """The message names the key, the bound, the value and the variable."""
    error = problem(**{name: value})
    assert said in error.message
    assert error.message.endswith(f"(from environment variable `SMART_SPAWN_{name}`)")
    assert error.hint


def test_a_provider_without_an_address_is_incomplete() -> None:
    """What is missing is named with the table where it belongs."""
    error = problem(PROVIDERS__LOCAL__API_KEY="k")
    assert error.message.startswith("settings key `providers.local.base_url` is missing")
    assert error.hint == "add it below `[providers.local]`"


@pytest.mark.parametrize(
    "key", ["123", "0123", "1e5", "true", "2026-01-01", "[x]", "a,b", "1_000", "nan", '{"a":1}']
)
def test_a_key_that_looks_like_something_else_stays_as_it_is(key: str) -> None:
    """A text is taken letter by letter, whatever TOML would make of it."""
    settings = from_env(SOURCES__LMARENA__API_KEY=key)
    secret = settings.source("lmarena").api_key
    assert secret is not None
    assert secret.get_secret_value() == key


def test_texts_may_be_quoted_as_in_the_file() -> None:
    """Whoever copies a value with its quotes gets the value."""
    assert from_env(HOST='"::1"').host == "::1"
    assert from_env(HOME="1").home == Path("1")


@pytest.mark.parametrize(
    "written", ["acme, umbrella", "acme,umbrella,", '["acme", "umbrella"]', '"acme,umbrella"']
)
def test_lists_may_be_written_with_commas(written: str) -> None:
    """`a,b` and a TOML list are the same list; one word is a list of one."""
    assert from_env(ROUTING__DENY_PROVIDERS=written).routing.deny_providers == ("acme", "umbrella")
    assert from_env(ROUTING__DENY_PROVIDERS="acme").routing.deny_providers == ("acme",)


def test_variables_reach_everything() -> None:
    """Nested tables, the category with a hyphen, whole tables as TOML, numbers and booleans."""
    settings = from_env(
        CATEGORY_WEIGHTS__FAST_CHEAP="0",
        SCORING__WEIGHTS="{coding = {livebench_coding = 2}}",
        SERVER__REFRESH="false",
        MAX_COST_USD_PER_RUN="0.1",
        PROVIDERS__LOCAL__BASE_URL="http://127.0.0.1:1/v1",
    )
    assert settings.category_weights == {Category.FAST_CHEAP: 0}
    assert settings.scoring.weights == {Category.CODING: {"livebench_coding": 2}}
    assert settings.server.refresh is False
    assert settings.max_cost_usd_per_run == Decimal("0.1")
    assert settings.providers["local"].base_url == "http://127.0.0.1:1/v1"


def test_an_empty_variable_is_one_that_was_not_set() -> None:
    """Compose files pass on empty variables; they change nothing."""
    assert from_env(PORT="", HOST=" ") == Settings()


def test_a_value_and_a_table_of_one_name_exclude_each_other() -> None:
    """The two places are named, and nothing is guessed."""
    error = problem(PORT="1", PORT__X="2")
    assert "sets `port.x`, but `port` is a value and not a table" in error.message


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"port = ", "is not valid TOML"),
        (b"port = 1\nport = 2", "is not valid TOML"),
        (b"host = '\xff'", "is not UTF-8 text"),
        (b"#" * 1_048_577, "is larger than 1,048,576 bytes"),
    ],
)
def test_a_broken_file_is_named(tmp_path: Path, content: bytes, said: str) -> None:
    """The message names the file and what is wrong with it."""
    path = tmp_path / "broken.toml"
    path.write_bytes(content)
    with pytest.raises(SettingsError) as caught:
        load_settings(path, environ={})
    assert f"`{path}` {said}" in caught.value.message
    assert caught.value.hint


def test_a_named_file_must_exist(tmp_path: Path) -> None:
    """A file that was asked for and is not there is an error, and says how it was asked for."""
    with pytest.raises(SettingsError, match="`--config`"):
        load_settings(tmp_path / "none.toml", environ={})
    with pytest.raises(SettingsError, match="`SMART_SPAWN_CONFIG`"):
        load_settings(environ={"SMART_SPAWN_CONFIG": str(tmp_path / "none.toml")})


def test_the_usual_key_makes_openrouter_a_provider() -> None:
    """`OPENROUTER_API_KEY` alone is enough, and what the owner wrote about it stays."""
    settings, origins = load_with_origins(environ={"OPENROUTER_API_KEY": "sk-or-1"})
    assert settings.providers["openrouter"].key({"OPENROUTER_API_KEY": "sk-or-1"}) == "sk-or-1"
    assert origins["providers.openrouter"] == "environment variable `OPENROUTER_API_KEY`"
    own = {"OPENROUTER_API_KEY": "k", "SMART_SPAWN_PROVIDERS__OPENROUTER__BASE_URL": "http://127.0.0.1:1"}
    assert load_settings(environ=own).providers["openrouter"].base_url == "http://127.0.0.1:1"


CANARY = "canary-4711"


@pytest.mark.parametrize(
    "variables",
    [
        {"PROVIDERS": CANARY},
        {"PROVIDERS__X": CANARY},
        {"PROVIDERS__X__API_KEYY": CANARY},
        {"PROVIDERS__X__API_KEY": CANARY},
        {"PROVIDERS__X__API_KEY__Y": CANARY},
        {"PROVIDERS__X__API_KEY": CANARY, "PROVIDERS__X__BASE_URL": f"ftp://me:{CANARY}@host"},
        {"PROVIDERS__X__API_KEY": CANARY, "PORT": "x", "PROVIDERS__X__BASE_URL": "http://host"},
        {"SOURCES__LMARENA": f'{{api_key = ["{CANARY}"]}}'},
        {"DATABASE_URL__X": CANARY},
    ],
)
def test_a_message_never_holds_a_secret(variables: dict[str, str]) -> None:
    """Whatever is wrong, and wherever a key was put by mistake, the message does not repeat it."""
    error = problem(**variables)
    assert CANARY not in f"{error} {error!r} {error.details} {error.__cause__}"


def test_what_is_shown_is_masked() -> None:
    """Neither the printed settings nor the view of `doctor` hold a key or a password."""
    settings, origins = load_with_origins(
        environ={
            "SMART_SPAWN_DATABASE_URL": f"postgresql://me:{CANARY}@host/db",
            "SMART_SPAWN_SOURCES__ARTIFICIAL_ANALYSIS__API_KEY": CANARY,
            "SMART_SPAWN_PROVIDERS__X__BASE_URL": f"http://me:{CANARY}@host/v1",
            "SMART_SPAWN_PROVIDERS__X__API_KEY": CANARY,
        }
    )
    shown = effective(settings, origins)
    assert CANARY not in f"{settings!r} {settings} {shown}"
    assert shown["sources.artificial_analysis.api_key"] == {
        "value": "***",
        "origin": "environment variable `SMART_SPAWN_SOURCES__ARTIFICIAL_ANALYSIS__API_KEY`",
    }
    assert shown["database_url"]["value"] == "postgresql://***@host/db"


def test_the_view_tells_where_each_value_was_set(tmp_path: Path) -> None:
    """A value comes from the file, a variable, an argument, or nobody: then it is the default."""
    path = file(tmp_path, "port = 1\n[category_weights]\ncoding = 2")
    settings, origins = load_with_origins(
        path,
        environ={"SMART_SPAWN_HOST": "::1", "SMART_SPAWN_SCORING": '{norm = "rank"}'},
        overrides={"verbose": True},
    )
    shown = effective(settings, origins)
    assert shown["port"] == {"value": 1, "origin": f"`{path}`"}
    assert shown["category_weights.coding"] == {"value": 2.0, "origin": f"`{path}`"}
    assert shown["scoring.norm"] == {"value": "rank", "origin": "environment variable `SMART_SPAWN_SCORING`"}
    assert shown["host"]["origin"] == "environment variable `SMART_SPAWN_HOST`"
    assert shown["verbose"] == {"value": True, "origin": "an argument"}
    assert shown["max_cost_usd_per_run"] == {"value": "5", "origin": "default"}
    assert shown["providers"] == {"value": {}, "origin": "default"}


def test_the_reference_is_what_the_settings_are(root: Path) -> None:
    """Every key is in the reference with its type, default and bounds; `scripts/settings_reference.py` writes it."""
    page = runpy.run_path(str(root / "scripts" / "settings_reference.py"))["page"]()
    assert (root / "docs" / "reference" / "settings.md").read_text(encoding="utf-8") == page
    assert all(f"| `{name}" in page for name in Settings.model_fields)
