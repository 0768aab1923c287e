"""Version folders appear whole, under their number, or not at all."""

import pytest

from infogan_export.versions import list_versions, new_version


def publish(base, version=None, text="x"):
    with new_version(base, version) as (staging, number):
        (staging / "file").write_text(text)
    return number


def test_versions_count_up(tmp_path):
    base = tmp_path / "models" / "infogan"
    assert [publish(base) for _ in range(3)] == [1, 2, 3]
    assert list_versions(base) == [1, 2, 3]


@pytest.mark.parametrize(("there", "following"), [((), 1), ((7,), 8), ((2, 10, 9), 11), ((1, 3), 4)])
def test_the_next_is_one_above_the_highest(tmp_path, there, following):
    for version in there:
        publish(tmp_path, version)
    assert publish(tmp_path) == following


def test_versions_are_sorted_as_numbers_and_other_names_ignored(tmp_path):
    for name in ("10", "9", "1a", "-3", "1.5", ".staging-4-1", "latest"):
        (tmp_path / name).mkdir()
    assert list_versions(tmp_path) == [9, 10]
    assert list_versions(tmp_path / "absent") == []


def test_a_version_is_never_overwritten(tmp_path):
    publish(tmp_path, 5, "first")
    with pytest.raises(FileExistsError, match="5 exists; versions are never overwritten"):
        publish(tmp_path, 5, "second")
    assert (tmp_path / "5" / "file").read_text() == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["5"]


def test_a_padded_version_is_the_same_version(tmp_path):
    (tmp_path / "007").mkdir()
    with pytest.raises(FileExistsError):
        publish(tmp_path, 7)
    assert publish(tmp_path) == 8


def test_a_version_that_another_export_publishes_meanwhile_stays(tmp_path):
    def both():
        with new_version(tmp_path, 3) as (staging, _):
            (staging / "file").write_text("late")
            (tmp_path / "3").mkdir()
            (tmp_path / "3" / "file").write_text("early")

    with pytest.raises(OSError, match="3"):
        both()
    assert (tmp_path / "3" / "file").read_text() == "early"
    assert [path.name for path in tmp_path.iterdir()] == ["3"]


def test_until_it_is_whole_no_folder_has_a_number(tmp_path):
    with new_version(tmp_path) as (staging, number):
        assert number == 1
        assert staging.parent == tmp_path  # the same file system, so that the rename is one step
        assert not staging.name.isdecimal()
        assert list_versions(tmp_path) == []
    assert not staging.exists()
    assert list_versions(tmp_path) == [1]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_failure_leaves_nothing(tmp_path, error):
    publish(tmp_path, 1)

    def fails():
        with new_version(tmp_path) as (staging, _):
            (staging / "variables").mkdir()
            raise error

    with pytest.raises(error):
        fails()
    assert [path.name for path in tmp_path.iterdir()] == ["1"]
