"""HITs behind the current one of their key: older generations, and doubles of the same.

In: a `Publication`. Out: what becomes of them, and which of them were bought twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from turkform.item_change import ItemChange, Op

if TYPE_CHECKING:
    from collections.abc import Iterator

    from turkform.hits import HIT
    from turkform.publication import Publication


def superseded(publication: Publication) -> Iterator[ItemChange]:
    """HITs behind the current one of their key: older generations, and doubles of the same.

    An open untouched one is retired, an older generation with work is expired; a double with work
    stays, because its answers were bought: it is reported with its cost.
    """
    now = publication.now.timestamp()
    for key, hits in sorted(publication.hits.several()):
        if key in publication.matching.vanished or key not in publication.chosen:
            continue
        for hit in hits[1:]:
            change = ItemChange(key, key, (Op.RETIRE,), (0,), hit, hit.generation, hit.fingerprint)
            if hit.untouched:
                yield change
            elif hit.expires > now and hit.generation < hits[0].generation:
                yield change._replace(ops=(Op.CLOSE,))
            else:
                yield change._replace(ops=(Op.KEEP,))


def doubles(publication: Publication) -> list[tuple[HIT, Any]]:
    """HITs of the current generation with work on them that stand beside another one, and their unit price."""
    return [
        (hit, publication.terms[hit.type_id].unit(hit.maximum))
        for _, hits in sorted(publication.hits.several())
        for hit in hits[1:]
        if hit.generation == hits[0].generation and not hit.untouched
    ]
