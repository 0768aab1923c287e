"""Version folders appear whole, under their number, or not at all, and disappear in one step."""

import errno
import os
import signal
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from infogan_export import versions
from infogan_export.versions import check_free, find_version, publish, remove_old, staging_folder, version_folders

FILES = ["saved_model.pb", "variables/variables.index", "variables/variables.data-00000-of-00001"]


def write(folder, text: str = "x") -> None:
    for name in FILES:
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)


def new_version(base, version=None, text: str = "x") -> int:
    with staging_folder(base) as staging:
        write(staging, text)
        return int(publish(staging, version).name)


def names(base) -> set[str]:
    return {path.name for path in base.iterdir()}


def every_version_is_whole(base) -> bool:
    return all((folder / name).is_file() for folder in version_folders(base).values() for name in FILES)


# ---------------------------------------------------------------- numbers


def test_versions_count_up(tmp_path):
    base = tmp_path / "models" / "infogan"
    assert [new_version(base) for _ in range(3)] == [1, 2, 3]
    assert list(version_folders(base)) == [1, 2, 3]


@pytest.mark.parametrize(("there", "following"), [((), 1), ((7,), 8), ((2, 10, 9), 11), ((1, 3), 4)])
def test_the_next_is_one_above_the_highest(tmp_path, there, following):
    for version in there:
        new_version(tmp_path, version)
    assert new_version(tmp_path) == following


def test_versions_are_sorted_as_numbers_and_other_names_ignored(tmp_path):
    for name in ("10", "9", "1a", "-3", "1.5", "٣", ".staging-4-1", ".removed-5-1-1", "latest"):
        (tmp_path / name).mkdir()
    (tmp_path / "11").write_text("no folder, but nothing can have its name")
    assert list(version_folders(tmp_path)) == [9, 10]
    assert version_folders(tmp_path / "absent") == {}
    assert new_version(tmp_path) == 12


def test_a_version_is_never_overwritten(tmp_path):
    new_version(tmp_path, 5, "first")
    with pytest.raises(FileExistsError, match="5 exists; versions are never overwritten"):
        new_version(tmp_path, 5, "second")
    assert (tmp_path / "5" / FILES[0]).read_text() == "first"
    assert names(tmp_path) == {"5"}


@pytest.mark.parametrize("version", [0, -1])
def test_versions_begin_at_1(tmp_path, version):
    with pytest.raises(ValueError, match=f"from 1 up, not {version}"):
        new_version(tmp_path, version)
    assert names(tmp_path) == set()


def test_files_are_on_the_disk_before_they_are_a_version(tmp_path, monkeypatch):
    before, after = set(), set()
    version = tmp_path / "1"
    monkeypatch.setattr(os, "fsync", lambda file: (after if version.exists() else before).add(os.fstat(file).st_ino))
    new_version(tmp_path)
    assert before == {path.stat().st_ino for path in (version, *version.rglob("*"))}
    assert after == {tmp_path.stat().st_ino}


def test_file_systems_that_cannot_sync_folders_will_do(tmp_path, monkeypatch):
    def fsync(file):
        if stat.S_ISDIR(os.fstat(file).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(os, "fsync", fsync)
    assert new_version(tmp_path) == 1


def test_a_padded_version_is_the_same_version(tmp_path):
    (tmp_path / "007").mkdir()
    with pytest.raises(FileExistsError):
        check_free(tmp_path, 7)
    assert find_version(tmp_path, 7) == tmp_path / "007"
    assert new_version(tmp_path) == 8


def test_a_version_that_is_not_there(tmp_path):
    new_version(tmp_path, 2)
    new_version(tmp_path, 4)
    with pytest.raises(FileNotFoundError, match="has no version 3; versions: 2, 4"):
        find_version(tmp_path, 3)


# ---------------------------------------------------------------- whole or not at all


def test_a_number_that_another_export_takes_meanwhile_stays_theirs(tmp_path):
    with pytest.raises(FileExistsError, match="3 exists"), staging_folder(tmp_path) as staging:
        write(staging, "late")
        new_version(tmp_path, 3, "early")
        publish(staging, 3)
    assert (tmp_path / "3" / FILES[0]).read_text() == "early"
    assert names(tmp_path) == {"3"}


def test_exports_at_once_get_different_versions(tmp_path, monkeypatch):
    """Also where all have seen the same highest number: the one that comes second tries the next."""
    numbered, looks = versions._numbered, 0

    def seen_by_both(base):
        nonlocal looks
        looks += 1
        return {} if looks <= 4 else numbered(base)  # two for each export: is it free, which is the highest

    with staging_folder(tmp_path) as first, staging_folder(tmp_path) as second:
        write(first, "first")
        write(second, "second")
        monkeypatch.setattr(versions, "_numbered", seen_by_both)
        assert (publish(first).name, publish(second).name) == ("1", "2")
    assert [(tmp_path / number / FILES[0]).read_text() for number in "12"] == ["first", "second"]

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: new_version(tmp_path), range(32)))
    assert sorted(found) == list(range(3, 35))
    assert every_version_is_whole(tmp_path)


def test_until_it_is_whole_no_folder_has_a_number(tmp_path):
    with staging_folder(tmp_path) as staging:
        assert staging.parent == tmp_path  # the same file system, so that the rename is one step
        assert not staging.name.isdecimal()
        assert version_folders(tmp_path) == {}
        folder = publish(staging)
    assert names(tmp_path) == {"1"}
    assert folder == tmp_path / "1"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_failure_leaves_nothing(tmp_path, error):
    new_version(tmp_path, 1)
    with pytest.raises(error), staging_folder(tmp_path) as staging:
        write(staging)
        raise error
    assert names(tmp_path) == {"1"}


# ---------------------------------------------------------------- removal


def fill(base, *numbers: int) -> None:
    for number in numbers:
        new_version(base, number)


def prune(base, keep: int, published: str, broken: tuple[str, ...] = ()) -> list[str]:
    removed = remove_old(base, keep, base / published, lambda folder: folder.name not in broken)
    return [folder.name for folder in removed]


@pytest.mark.parametrize(
    ("published", "broken", "removed"),
    [
        ("12", (), ["2", "9"]),
        ("12", ("11",), ["2"]),
        ("12", ("11", "10"), []),
        ("12", ("11", "10", "9", "2"), []),
        ("12", ("2",), ["2", "9"]),
        ("2", (), ["9", "10"]),
    ],
    ids=["all good", "the one before broken", "two", "all but the new one", "the oldest broken", "a low number"],
)
def test_the_newest_good_versions_stay(tmp_path, published, broken, removed):
    """Of 2, 9, 10, 11 and 12; three are kept, or two of a low number's."""
    fill(tmp_path, 2, 9, 10, 11, 12)
    keep = 2 if published == "2" else 3
    assert prune(tmp_path, keep, published, broken) == removed
    assert names(tmp_path) == {"2", "9", "10", "11", "12"} - set(removed)


def test_nothing_is_removed_or_even_loaded_while_there_are_few(tmp_path):
    fill(tmp_path, 1, 2)
    assert remove_old(tmp_path, 2, tmp_path / "2", lambda folder: pytest.fail("loaded")) == []
    assert names(tmp_path) == {"1", "2"}


def test_what_is_no_version_stays(tmp_path):
    fill(tmp_path / "models", 4, 5, 6)
    base = tmp_path / "models"
    new_version(tmp_path / "elsewhere", 1)
    (base / "2").symlink_to(tmp_path / "elsewhere" / "1")
    for name in ("3", "1-old", "notes"):
        (base / name).mkdir()
        (base / name / "data").write_text("x")
    (base / "1").write_text("x")
    (base / "1-old" / "saved_model.pb").write_text("x")
    assert prune(base, 2, "6") == ["4"]
    assert names(base) == {"1", "2", "3", "5", "6", "1-old", "notes"}
    assert every_version_is_whole(tmp_path / "elsewhere")


def test_two_removals_at_once(tmp_path, monkeypatch):
    """A version that another process has just removed is not an error."""
    fill(tmp_path, 1, 2, 3, 4)
    rename = Path.rename

    def too_late(self, target):
        if self.name == "1":
            rename(self, tmp_path / "taken")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", too_late)
    assert prune(tmp_path, 2, "4") == ["2"]
    assert names(tmp_path) == {"3", "4", "taken"}


# ---------------------------------------------------------------- killed

# Publishes a version and keeps two, but is killed at the call of a function that removes or renames.
KILLED = """
import os, signal, sys
from pathlib import Path
from infogan_export.versions import publish, remove_old, staging_folder
from tests.export.test_versions import write

base, function, calls, after = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4] == "after"

def kill_at(original):
    def call(*arguments, **options):
        global calls
        calls -= 1
        if calls == 0 and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        result = original(*arguments, **options)
        if calls == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return result
    return call

with staging_folder(base) as staging:
    write(staging)
    module = os if function == "unlink" else Path
    setattr(module, function, kill_at(getattr(module, function)))
    folder = publish(staging)
    remove_old(base, 2, folder, lambda folder: True)
"""


@pytest.mark.parametrize(
    ("step", "there"),
    [
        ("rename 1 before", {1, 2, 3}),
        ("rename 1 after", {1, 2, 3, 4}),
        ("rename 2 before", {1, 2, 3, 4}),
        ("rename 2 after", {2, 3, 4}),
        ("unlink 1 before", {2, 3, 4}),
        ("unlink 1 after", {2, 3, 4}),
        ("unlink 3 after", {2, 3, 4}),
        ("rename 3 after", {3, 4}),
        ("unlink 5 after", {3, 4}),
    ],
)
def test_killed(tmp_path, monkeypatch, step, there):
    """Rename 1 publishes version 4; rename 2 and unlinks 1 to 3 remove version 1; the rest removes version 2."""
    fill(tmp_path, 1, 2, 3)
    process = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), *step.split()], check=False)
    assert process.returncode == -signal.SIGKILL
    assert set(version_folders(tmp_path)) == there
    assert every_version_is_whole(tmp_path)

    if step == "rename 1 before":  # all else is known to be over
        assert any(name.startswith(versions.STAGING) for name in names(tmp_path))
        monkeypatch.setattr(versions, "STALE_SECONDS", -1)
    following = new_version(tmp_path)
    assert following == max(there) + 1
    assert names(tmp_path) == {str(number) for number in there | {following}}


def test_a_staging_folder_in_use_is_no_leftover(tmp_path):
    """However old the times are that a copy brings along."""
    with staging_folder(tmp_path) as staging:
        write(staging)
        os.utime(staging, (0, 0))
        new_version(tmp_path)
        assert names(tmp_path) == {"1", staging.name}
        publish(staging)
    assert every_version_is_whole(tmp_path)
