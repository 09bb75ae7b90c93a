"""The kinds that can be declared, one module each; `KINDS` is what the campaign file knows."""

from __future__ import annotations

from turkform.kinds.batch import Batch
from turkform.kinds.hit_type import HITType
from turkform.kinds.qualification_type import QualificationType

__all__ = ["KINDS", "Batch", "HITType", "QualificationType"]

KINDS = (QualificationType, HITType, Batch)
