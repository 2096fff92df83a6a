"""Keep the catalogue current: ask the sources, build, make it the one that is served; or build a past one again."""

from smart_spawn.refresh.building import from_archive, rebuild
from smart_spawn.refresh.report import Progress, RefreshBusy, RefreshReport, report_json
from smart_spawn.refresh.run import apply_own, check_names, refresh
from smart_spawn.refresh.statuses import due

__all__ = [
    "Progress",
    "RefreshBusy",
    "RefreshReport",
    "apply_own",
    "check_names",
    "due",
    "from_archive",
    "rebuild",
    "refresh",
    "report_json",
]
