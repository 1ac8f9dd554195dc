"""Regions with a figure of their own, and the places that a field or a text names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow_nodes.estimators.carbon.grid import Country, UnknownLocation, load_grid
from hedgerow_nodes.estimators.carbon.regions import (
    Region,
    find_place,
    intensity_of,
    load_regions,
    place_name,
)
from hedgerow_nodes.estimators.text.place_mentions import places_in

GRID, REGIONS = load_grid(), load_regions()


def code(place: Country | Region | None) -> str:
    return "" if place is None else place.code if isinstance(place, Region) else place.iso2


class TestTable:
    def test_states_provinces_and_zones_each_with_origin_and_year(self) -> None:
        counts = {
            iso2: sum(region.country_iso2 == iso2 for region in REGIONS) for iso2 in ("US", "CA", "CN", "SE", "NO")
        }
        assert counts == {"US": 51, "CA": 13, "CN": 30, "SE": 4, "NO": 5}
        for region in REGIONS:
            assert region.year in (2023, 2025)
            assert 0 < region.intensity_g_per_kwh < 1500
            assert region.factor >= 1.5
            assert "codecarbon==3.3.2" in region.source

    def test_no_code_and_no_name_means_two_regions(self) -> None:
        names = [name.casefold() for region in REGIONS for name in (region.code, *region.names)]
        assert len(names) == len(set(names))

    def test_pounds_a_megawatt_hour_became_grams(self) -> None:
        """eGRID2023 states 713.976 lb/MWh for Alabama: x 453.59237 / 1000 = 323.9 g/kWh."""
        place = find_place("US-AL")
        interval, source = intensity_of(place)
        assert interval.value == 323.9
        assert interval.high == pytest.approx(1.5 * 323.9)
        assert "eGRID2023" in source
        assert source.endswith("Alabama, United States, 2023")

    def test_a_mix_is_weighed_by_its_sources(self) -> None:
        """Quebec: 92.1 % hydro and 6.7 % wind at 26, 0.7 % biomass at 230, 0.2 % gas at 743, 0.3 % oil at 816."""
        interval, _ = intensity_of(find_place("Quebec"))
        by_hand = (92.1 * 26 + 6.7 * 26 + 0.7 * 230 + 0.2 * 743 + 0.3 * 816 + 0.01 * 48) / 100.01
        assert interval.value == pytest.approx(by_hand, abs=0.05)

    def test_a_figure_that_leaves_out_part_of_the_generation_is_wider(self) -> None:
        interval, source = intensity_of(find_place("SE4"))
        assert interval.high == pytest.approx(3 * interval.value)
        assert "85.05 %" in source


class TestLookUp:
    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("California", "US-CA"),
            ("us-ca", "US-CA"),
            ("Georgia", "GE"),
            ("Georgia, USA", "US-GA"),
            ("Atlanta, Georgia, United States", "US-GA"),
            ("Austin, TX, USA", "US-TX"),
            ("Austin, Texas", "US-TX"),
            ("Toronto, Ontario", "CA-ON"),
            ("Québec", "CA-QC"),
            ("SE1", "SE-SE1"),
            ("Beijing, China", "CN-BJ"),
            ("Barcelona, Spain", "ES"),
            ("CA", "CA"),
            ("Paris, France", "FR"),
            ("world", ""),
        ],
    )
    def test_codes_names_and_what_lies_in_what(self, text: str, found: str) -> None:
        assert code(find_place(text)) == found

    @pytest.mark.parametrize("region", REGIONS, ids=lambda region: region.code)
    def test_every_region_is_found_by_its_code(self, region: Region) -> None:
        assert find_place(region.code) is region
        assert place_name(region).startswith(region.name + ", ")

    def test_an_unknown_place_names_the_way_out(self) -> None:
        with pytest.raises(UnknownLocation, match=r"'Atlantis' unknown; nearest: .*US-CA"):
            find_place("Atlantis")

    @given(st.text(max_size=40))
    def test_any_text_is_a_place_or_is_refused(self, text: str) -> None:
        try:
            find_place(text)
        except UnknownLocation as unknown:
            refusal = str(unknown)
        else:
            return
        assert repr(text) in refusal


class TestText:
    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("count cows in northern California", ["US-CA"]),
            ("shops in Austin, Texas", ["US-TX"]),
            ("for users in California, USA, and in France", ["US-CA", "FR"]),
            ("in New Mexico", ["US-NM"]),
            ("in Mexico", ["MX"]),
            ("read letters for Virginia", []),
            ("california without a capital", []),
            ("Ohio at the beginning", []),
            ("", []),
        ],
    )
    def test_examples(self, text: str, found: list[str]) -> None:
        assert [code(place) for place in places_in(text, GRID, REGIONS)] == found
