"""What others report and publish, as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field

from smart_spawn.app import SmartSpawn
from smart_spawn.catalog.layout import prior_of
from smart_spawn.surface.caller import LOCAL, Caller
from smart_spawn.surface.feedback import Stars, _OfModel, checked


class ReportBody(_OfModel):
    """What `POST /community/report` takes."""

    rating: Stars
    instance_id: Annotated[
        str,
        Field(
            min_length=1, max_length=200, description="any word of the reporter's own; kept as a keyed hash"
        ),
    ]


def report_json(app: SmartSpawn, values: Mapping[str, Any], caller: Caller = LOCAL) -> dict[str, Any]:
    """Take a report. Raises InvalidRequest, Forbidden, TooManyRequests."""
    body: ReportBody = checked(values, ReportBody)
    app.community.report(body.model, str(body.category), body.rating, body.instance_id, caller=caller.key)
    return {
        "data": {
            "recorded": True,
            "model": body.model,
            "category": str(body.category),
            "rating": float(body.rating),
        }
    }


def community_scores_json(app: SmartSpawn, category: str | None, min_ratings: int) -> dict[str, Any]:
    """Return what others reported, by model and category, as they said it."""
    found: dict[tuple[str, str], list[float]] = {}
    for row in app.store.community.reports(category):
        sums = found.setdefault((row.model, row.category), [0, 0.0, 0])
        sums[0] += row.ratings
        sums[1] += row.total
        sums[2] += 1
    return {
        "data": [
            {
                "model": model,
                "category": name,
                "totalRatings": int(ratings),
                "avgRating": round(total / ratings, 2),
                "contributors": int(contributors),
            }
            for (model, name), (ratings, total, contributors) in sorted(found.items())
            if ratings >= min_ratings
        ]
    }


def published_json(app: SmartSpawn) -> dict[str, Any]:
    """Return what this installation has learned, signed. Raises SettingsError."""
    return app.community.published(app.learning.current(), prior_of(app.catalog))


def accepted_json(app: SmartSpawn, document: Mapping[str, Any], trust: Sequence[str]) -> dict[str, Any]:
    """Take in what another installation published. Raises InvalidRequest, Forbidden."""
    accepted = app.community.accept(document, trust=trust)
    app.check_for_newer_votes()
    return {
        "data": {
            "publisher": accepted.publisher,
            "at": accepted.at.isoformat(),
            "posteriors": accepted.posteriors,
            "counts": app.settings.community.enabled,
        }
    }
