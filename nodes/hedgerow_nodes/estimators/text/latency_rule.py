"""Which durations in a text limit the latency: "within 100 ms" and "50 ms per frame" do, "a 10 s clip" does not."""

from __future__ import annotations

from hedgerow_nodes.estimators.text.comparisons import Sense
from hedgerow_nodes.estimators.text.mentions import ITEM, Mention, Reading, at_end, at_start, near_end

_MEDIA = (
    r"clips?|videos?|audios?|recordings?|speech|songs?|segments?|windows?|intervals?|footage|films?|movies?|snippets?"
    r"|samples?|excerpts?|utterances?|podcasts?|calls?|messages?|talks?|lectures?|music|sounds?|tracks?|episodes?"
    r"|timer|pauses?|silence"
)
_QUANTITY = (
    r"latency|latencies|response times?|reaction time|delay|inference time|processing time|deadline|turnaround|lag"
    r"|time budget|run ?time|execution time"
)
_ANSWERING = r"response|inference|answers?|answered|responds?|replies|reply|reacts?|takes?|done|finish(?:es|ed)?"
_named_behind = at_start(
    r"(?:of\s+)?(?:\w+\s+)?(?:latency|response|reaction|delay|deadline|budget|turnaround|lag|inference)\b"
    rf"|(?:per|for each|for every|an?|/|each)\s?(?:single\s+)?(?:\w+\s+)?(?:{ITEM})s?\b"
)
_named_ahead = near_end(_QUANTITY, 25)
_answering_ahead = near_end(_ANSWERING, 25)
_length_behind = at_start(
    rf"(?:of\s+|long\s+)?(?:\w+\s+)?(?:{_MEDIA})\b|long\b|ago\b|apart\b|old\b|later\b|earlier\b|before\b|after\b|away\b"
    r"|ahead\b|of\s+(?:\w+\s+)?(?:data|history)\b|(?:\w+\s+)?(?:forecast|horizon|resolution|steps?|readings?|history)\b"
)
_length_ahead = at_end(
    rf"(?:{_MEDIA}|every|each|per|last|past|next|previous|first|following|coming|once|twice|times|frames)"
    r"(?:\s+(?:that|which))?(?:\s+(?:are|is|of|lasting|last))?"
)
_weakly_in = at_end(r"in(?:\s+(?:about|around|only|just))?")


def read_duration(at: Mention) -> Reading | None:
    """The limit that a duration sets: `latency_s` or none.

    A duration is a latency where the clause speaks of one, or where it stands behind a word that bounds it from above
    and is not the length of some recording. Hours count only with a word that speaks of latency.
    """
    if named := _named_behind(at.after):
        return Reading("latency_s", extent=named.end())
    within = at.comparison.casefold().startswith(("within", "inside"))
    if _length_behind(at.after) or (_length_ahead(at.before) and not within):
        return None
    if at.sense in (Sense.AT_LEAST, Sense.WORSE):
        return None
    bounded = at.sense is not None
    if _named_ahead(at.before) or (bounded and _answering_ahead(at.before)):
        return Reading("latency_s")
    written = at.written.casefold()
    if written.startswith("h"):
        return None
    return Reading("latency_s") if bounded or (not written.startswith("min") and _weakly_in(at.before)) else None
