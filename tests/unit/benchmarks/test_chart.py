"""The chart of growth: what a run leaves becomes an SVG with a bar for each rate."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

from benchmarks.chart import main

RECORDED = {
    "rows": {
        "growth": {
            "figures": [
                {"name": name, "details": {"tasks_per_s_small_and_large": {size: [2100.4, 1999.6]}}}
                for name, size in (("growth nodes", "100"), ("growth stored tasks", "1000000"))
            ]
        }
    }
}


def test_each_rate_has_a_bar_with_its_figure(tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text(json.dumps(RECORDED))
    main(str(tmp_path / "results.json"), str(tmp_path / "growth.svg"))
    drawn = ElementTree.parse(tmp_path / "growth.svg").getroot()
    texts = [element.text for element in drawn.iter() if element.tag.endswith("text")]
    assert texts.count("2100") == texts.count("2000") == 2
    assert {"100", "nodes registered", "1,000,000", "tasks stored"} <= set(texts)
    bars = [float(e.get("height", "0")) for e in drawn.iter() if e.tag.endswith("rect") and e.get("fill") != "#fff"]
    assert len(bars) == 4
    assert bars[0] / bars[1] - 2100.4 / 1999.6 < 0.01
