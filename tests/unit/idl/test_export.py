"""The committed .idl files: equal to the types, and legal for every compiler of IDL and C++."""

import re
import shutil

import pytest

from hedgerow_idl import export
from hedgerow_idl.fields import Enumeration, Struct, types_in
from hedgerow_idl.reflection import tree_of
from hedgerow_idl.topics import TOPICS

# OMG IDL 4.2, table 7-6 (keywords, compared without case), and C++20, [lex.key] and [lex.digraph].
IDL_WORDS = """
    abstract any alias attribute bitfield bitmask bitset boolean case char component connector const consumes context
    custom default double emits enum eventtype exception factory false finder fixed float getraises home import in
    inout int8 int16 int32 int64 interface local long manages map mirrorport module multiple native object octet
    oneway out port porttype primarykey private provides public publishes raises readonly sequence setraises short
    string struct supports switch true truncatable typedef typeid typename typeprefix uint8 uint16 uint32 uint64 union
    unsigned uses valuebase valuetype void wchar wstring
""".split()
CPP_WORDS = """
    alignas alignof and and_eq asm auto bitand bitor bool break case catch char char8_t char16_t char32_t class co_await
    co_return co_yield compl concept const const_cast consteval constexpr constinit continue decltype default delete do
    double dynamic_cast else enum explicit export extern false float for friend goto if inline int long mutable
    namespace new noexcept not not_eq nullptr operator or or_eq private protected public register reinterpret_cast
    requires return short signed sizeof static static_assert static_cast struct switch template this thread_local throw
    true try typedef typeid typename union unsigned using virtual void volatile wchar_t while xor xor_eq
""".split()


@pytest.fixture(scope="module")
def declared():
    """Every struct and enum that the topics reach."""
    return {inner.name: inner for topic in TOPICS for inner in types_in(tree_of(topic.type))}


def test_the_committed_texts_equal_the_types(capsys):
    assert export.main(["--check"]) == 0, capsys.readouterr().out


def test_every_type_is_in_one_text(declared):
    texts = export.idl_texts()
    for name in declared:
        found = [
            file for file, text in texts.items() if re.search(rf"^(struct|enum) {name.split('.')[-1]} {{", text, re.M)
        ]
        assert len(found) == 1, name


def test_a_difference_is_found_and_written_away(tmp_path, capsys):
    shutil.copytree(
        export.FOLDER, tmp_path, dirs_exist_ok=True, ignore=lambda _, names: [n for n in names if "." not in n]
    )
    folder = ["--folder", str(tmp_path)]
    assert export.main(["--check", *folder]) == 0
    path = tmp_path / "control.idl"
    path.write_text(path.read_text(encoding="utf-8").replace("@key ", ""), encoding="utf-8")
    (tmp_path / "common.idl").unlink()
    capsys.readouterr()
    assert export.main(["--check", *folder]) == 1
    difference = capsys.readouterr().out
    assert "+    @key string node_id;" in difference
    assert "+module hedgerow {" in difference
    assert export.main(["--write", *folder]) == 0
    assert export.main(["--check", *folder]) == 0


def test_no_name_is_a_word_of_idl_or_cpp(declared):
    for name, inner in declared.items():
        names = [name.split(".")[-1], *([f.name for f in inner.fields] if isinstance(inner, Struct) else inner.members)]
        for one in names:
            assert one.lower() not in IDL_WORDS, f"{name}.{one}"
            assert one not in CPP_WORDS, f"{name}.{one}"


def test_names_differ_by_more_than_case_within_their_scope(declared):
    scopes: dict[str, list[str]] = {}
    for name, inner in declared.items():
        module, _, own = name.rpartition(".")
        scopes.setdefault(module, []).append(own.lower())
        if isinstance(inner, Enumeration):  # IDL puts enumerators into the scope around the enum
            scopes[module] += [member.lower() for member in inner.members]
        else:
            scopes[name] = [field.name.lower() for field in inner.fields]
    for scope, names in scopes.items():
        assert len(set(names)) == len(names), scope


def test_enumerators_count_from_zero_as_old_compilers_number_them(declared):
    for name, inner in declared.items():
        if isinstance(inner, Enumeration):
            assert list(inner.members.values()) == list(range(len(inner.members))), name


def test_fields_are_written_with_their_kinds():
    control = export.idl_texts()["control.idl"]
    assert '#include "common.idl"' in control
    assert "@final\nstruct NodeStatus {\n    @key string node_id;\n    @key unsigned long long incarnation;" in control
    assert "    hedgerow::control::NodeState state;" in control
    assert "    sequence<unsigned long> input_attempts;" in control
    assert "advice.idl" not in control
