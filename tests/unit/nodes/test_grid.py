"""The table of grid intensities, and the places that a field or a text names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow_nodes.estimators.carbon.grid import OLD_BEFORE, Country, UnknownLocation, load_grid
from hedgerow_nodes.estimators.text.place_mentions import countries_in

GRID = load_grid()


def found_in(text: str) -> list[str]:
    return [country.iso2 for country in countries_in(text, GRID)]


class TestTable:
    def test_it_is_wide_and_names_data_set_and_year(self) -> None:
        assert len(GRID.countries) >= 200
        assert "Ember" in GRID.dataset
        assert "CC BY 4.0" in GRID.licence
        for country in GRID.countries:
            assert len(country.iso2) == 2
            assert len(country.iso3) == 3
            assert 2000 <= country.year <= 2026
            assert 0 < country.intensity_g_per_kwh < 2000

    def test_no_name_means_two_countries(self) -> None:
        names = [text.casefold() for one in GRID.countries for text in {*one.names, one.iso2, one.iso3}]
        assert len(names) == len(set(names))

    def test_spain(self) -> None:
        spain = GRID.find("Spain")
        assert spain is not None
        interval, source = GRID.intensity(spain)
        assert (interval.value, spain.year) == (153.6, 2025)
        assert interval.low == pytest.approx(153.6 / 1.5)
        assert interval.high == pytest.approx(153.6 * 1.5)
        assert source.endswith("Spain, 2025")

    def test_an_old_figure_gets_a_wider_interval(self) -> None:
        old = next(country for country in GRID.countries if country.year < OLD_BEFORE)
        interval, source = GRID.intensity(old)
        assert interval.high == pytest.approx(3 * interval.value)
        assert str(old.year) in source

    def test_the_world_is_wider_than_any_country(self) -> None:
        world, source = GRID.intensity(None)
        assert world.value == 473
        assert "world average" in source
        inside = sum(1 for one in GRID.countries if world.low <= one.intensity_g_per_kwh <= world.high)
        assert 0.75 <= inside / len(GRID.countries) <= 0.85


class TestLookUp:
    @pytest.mark.parametrize(
        ("place", "iso2"),
        [
            ("ES", "ES"),
            ("esp", "ES"),
            ("España", "ES"),
            (" spain ", "ES"),
            ("Madrid, Spain", "ES"),
            ("U.S.A.", "US"),
            ("united states", "US"),
            ("UK", "GB"),
            ("Cote d'Ivoire", "CI"),
            ("Namibia", "NA"),
            ("NA", "NA"),
            ("The Netherlands", "NL"),
            ("South Korea", "KR"),
        ],
    )
    def test_codes_names_and_towns(self, place: str, iso2: str) -> None:
        country = GRID.find(place)
        assert country is not None
        assert country.iso2 == iso2

    @pytest.mark.parametrize("country", GRID.countries, ids=lambda country: country.iso2)
    def test_every_country_is_found_by_all_it_has(self, country: Country) -> None:
        for text in (country.iso2, country.iso3.lower(), *country.names):
            assert GRID.find(text) is country

    def test_the_world_is_a_place(self) -> None:
        assert GRID.find("World") is None

    def test_an_unknown_place_gets_the_nearest(self) -> None:
        with pytest.raises(UnknownLocation, match=r"'Spane' unknown; nearest: Spain"):
            GRID.find("Spane")

    @given(st.text(max_size=40))
    def test_any_text_is_a_place_or_is_refused(self, text: str) -> None:
        try:
            GRID.find(text)
        except UnknownLocation as unknown:
            refusal = str(unknown)
        else:
            return
        assert repr(text) in refusal


class TestText:
    @pytest.mark.parametrize(
        ("text", "countries"),
        [
            ("Count people within 100 ms on a small edge computer in Spain", ["ES"]),
            ("count people on a small edge computer in spain", ["ES"]),
            ("Signs of Germany, France and South Korea", ["DE", "FR", "KR"]),
            ("for hospitals in the UK", ["GB"]),
            ("let us translate for our users in the US", ["US"]),
            ("detect turkey and chicken on a farm", []),
            ("Turkey breast in shops", []),
            ("shops in Turkey", ["TR"]),
            ("classify china plates", []),
            ("birds of Papua New Guinea", ["PG"]),
            ("a camera in New Mexico and New South Wales", []),
            ("Nigerian and Spanish texts", []),
            ("energy in Niger", ["NE"]),
            ("in Northern Ireland", ["GB"]),
            ("spain without a preposition", []),
            ("", []),
        ],
    )
    def test_examples(self, text: str, countries: list[str]) -> None:
        assert found_in(text) == countries

    @given(st.text(max_size=200))
    def test_any_text_is_read(self, text: str) -> None:
        assert len(found_in(text)) <= len(GRID.countries)
