"""The commands of `earmark`, and the sentence each gives when it cannot do what was asked."""

from __future__ import annotations

import stat
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest
from argon2 import PasswordHasher
from click.testing import CliRunner, Result

from library import accounts
from library.database import Database
from library.demo import DemoSummary
from library.writeback.backups import Backups
from tasks.settings import Settings
from tests.servers import free_port
from web import first_run, valkey
from web.cli import main
from web.lifeline import Lifeline
from web.passwords import verify_password
from web.private import write_private
from web.refusal import Refusal
from web.up import check_port


class Earmark:
    """The command line with a data folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.environment = {"EARMARK_DATA": str(folder), "DATABASE_URL": ""}

    def __call__(self, *arguments: str, answers: str | None = None) -> Result:
        return CliRunner().invoke(main, arguments, env=self.environment, input=answers)

    @property
    def settings(self) -> Settings:
        return Settings.from_environ(self.environment)


@pytest.fixture
def earmark_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Earmark:
    # Earmark's own hasher takes long, and is meant to.
    quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr("web.passwords._hasher", quick)
    return Earmark(tmp_path)


def password_of(settings: Settings, email: str, plain: str) -> bool:
    with closing(Database(settings.database_url)) as database, database.session() as session:
        account = accounts.by_email(session, email=email)
        return account is not None and verify_password(account.password_hash, plain)


def test_help_names_every_command(earmark_command):
    text = earmark_command("--help").output
    for name in ("up", "demo", "migrate", "account"):
        assert f"\n  {name} " in text


def test_migrate_can_be_repeated(earmark_command):
    for _ in range(2):
        result = earmark_command("migrate")
        assert (result.exit_code, result.output) == (0, "The database is up to date.\n")


def test_an_account_is_added_with_the_password_that_is_asked_for(earmark_command):
    result = earmark_command("account", "add", "Ada@Example.org", answers="long enough\n" * 2)
    assert result.exit_code == 0
    assert "long enough" not in result.output
    assert password_of(earmark_command.settings, "ada@example.org", "long enough")


def test_an_account_is_added_once(earmark_command):
    add = ("account", "add", "ada@example.org", "--password", "long enough")
    assert earmark_command(*add).exit_code == 0
    again = earmark_command(*add)
    assert again.exit_code == 2
    assert again.stderr == "earmark: There is an account for ada@example.org already.\n"


def test_a_new_password_replaces_the_old_one(earmark_command):
    earmark_command("account", "add", "ada@example.org", "--password", "first password")
    change = ("account", "password", "ada@example.org", "--password", "second password")
    assert earmark_command(*change).exit_code == 0
    assert password_of(earmark_command.settings, "ada@example.org", "second password")
    assert not password_of(earmark_command.settings, "ada@example.org", "first password")


def test_a_new_password_says_so_where_open_pages_could_not_be_reached(earmark_command):
    earmark_command.environment["REDIS_URL"] = f"redis://127.0.0.1:{free_port()}/0"
    earmark_command("account", "add", "ada@example.org", "--password", "first password")
    result = earmark_command("account", "password", "ada@example.org", "--password", "another one")
    assert result.exit_code == 0
    assert "is signed out everywhere" in result.stdout
    assert result.stderr.startswith("earmark: The Redis server could not be reached")
    assert len(result.stderr.splitlines()) == 1


def test_only_a_server_that_answers_is_the_one_of_a_running_earmark(tmp_path):
    assert valkey.running(tmp_path) is None
    valkey.configure(tmp_path)
    assert valkey.running(tmp_path) is None


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("add", "ada", "--password", "long enough"), "'ada' is no e-mail address"),
        (("add", "ada@example.org", "--password", "short"), "A password has 10 to 200 characters"),
        (("password", "ada@example.org", "--password", "long enough"), "There is no account for"),
    ],
)
def test_an_account_command_that_cannot_be_done_says_why(earmark_command, arguments, sentence):
    result = earmark_command("account", *arguments)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"earmark: {sentence}")
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("add", "ada"), "'ada' is no e-mail address"),
        (("add", "Bob@example.org"), "There is an account for bob@example.org already."),
        (("password", "ada@example.org"), "There is no account for ada@example.org"),
    ],
)
def test_nobody_is_asked_for_a_password_in_vain(earmark_command, arguments, sentence):
    earmark_command("account", "add", "bob@example.org", "--password", "long enough")
    result = earmark_command("account", *arguments, answers="long enough\n" * 2)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"earmark: {sentence}")


def test_the_demo_goes_into_the_folder_that_is_named(earmark_command, tmp_path, monkeypatch):
    def generate(folder, *, on_song):
        folder.mkdir()
        for done in (1, 2, 3):
            on_song(done, 3)
        return DemoSummary(3, 1, 1)

    monkeypatch.setattr("library.demo.generate", generate)
    result = earmark_command("demo", str(tmp_path / "songs"))
    assert result.exit_code == 0
    assert (tmp_path / "songs").is_dir()
    assert result.stdout == f"The demo library is in {tmp_path}/songs.\n"


def test_a_demo_that_cannot_be_written_says_so(earmark_command):
    result = earmark_command("demo", "/dev/null/songs")
    assert result.exit_code == 2
    assert "earmark: The demo library cannot be written to /dev/null/songs" in result.stderr


def test_a_wrong_setting_is_one_sentence(earmark_command):
    earmark_command.environment["PORT"] = "http"
    result = earmark_command("up")
    assert result.exit_code == 2
    assert result.stderr.startswith("earmark: PORT is 'http'")


def test_a_folder_in_use_is_refused(earmark_command, tmp_path, monkeypatch):
    monkeypatch.setattr(Lifeline, "_lock", lambda *_: False)
    (tmp_path / "up.lock").write_text("123")
    result = earmark_command("up")
    assert result.exit_code == 2
    assert f"Earmark runs in {tmp_path} already (process 123)" in result.stderr


def test_a_port_this_user_may_not_have_is_refused(monkeypatch):
    def refuse(_address):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("socket.create_server", refuse)
    with pytest.raises(Refusal, match=r"Port 80 cannot be used \(Permission denied\)"):
        check_port(80)


def test_a_music_folder_that_may_not_be_read_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(Refusal, match="may not be read"):
        first_run.check_music_folder(tmp_path)


def test_the_secret_key_is_made_once_and_is_the_owners_alone(earmark_command, tmp_path):
    first = first_run.secret_key(earmark_command.settings)
    assert len(first) >= 32
    assert first_run.secret_key(earmark_command.settings) == first
    assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600


def test_a_secret_key_that_is_given_is_used(earmark_command):
    earmark_command.environment["SECRET_KEY"] = "given"
    assert first_run.secret_key(earmark_command.settings) == "given"


def test_a_private_file_is_replaced_whole(tmp_path):
    path = tmp_path / "key"
    path.write_text("old and longer")
    path.chmod(0o644)
    write_private(path, "new")
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_valkey_takes_a_folder_with_any_name(tmp_path):
    folder = tmp_path / 'a "b" \\c'
    path, url = valkey.configure(folder)
    lines = path.read_text().splitlines()
    assert f'dir "{tmp_path}/a \\"b\\" \\\\c"' in lines
    assert "maxmemory-policy noeviction" in lines
    assert "appendonly yes" in lines
    assert valkey.answers(url) is False


def test_the_first_account_is_the_one_that_is_named_or_else_the_oldest(earmark_command):
    settings = earmark_command.settings
    with closing(first_run.open_database(settings)) as database, database.session() as session:
        oldest, sign_in = first_run.first_account(session, settings)
        assert sign_in.email == first_run.DEFAULT_EMAIL
        assert sign_in.new_password in str(sign_in)
        earmark_command.environment |= {
            "EARMARK_EMAIL": "Ada@example.org",
            "EARMARK_PASSWORD": "long enough",
        }
        named, known = first_run.first_account(session, earmark_command.settings)
        assert (named != oldest, known.email, known.new_password) == (True, "ada@example.org", None)
        assert first_run.first_account(session, settings) == (
            oldest,
            first_run.SignIn(first_run.DEFAULT_EMAIL),
        )


def test_accounts_are_listed_with_their_owner_and_their_music(earmark_command, tmp_path):
    (tmp_path / "music").mkdir()
    earmark_command.environment["EARMARK_MUSIC_ROOTS"] = str(tmp_path)
    assert earmark_command("account", "list").output == ""
    for name in ("ada", "bob"):
        add = ("account", "add", f"{name}@example.org", "--password", "long enough")
        assert earmark_command(*add).exit_code == 0
    chosen = earmark_command("account", "folder", "bob@example.org", str(tmp_path / "music"))
    assert chosen.output == f"{tmp_path}/music is part of the music of bob@example.org now.\n"
    first, second = earmark_command("account", "list").output.splitlines()
    assert first.startswith("ada@example.org (owner)  ")
    assert first.endswith("no music")
    assert second.startswith("bob@example.org  ")
    assert second.endswith(f"{tmp_path}/music")
    assert earmark_command("account", "owner", "bob@example.org").exit_code == 0
    assert "bob@example.org (owner)" in earmark_command("account", "list").output
    assert "ada@example.org (owner)" not in earmark_command("account", "list").output


@pytest.mark.parametrize("folder", ["/etc", "{}/music/../..", "{}/out", "{}/nothing", "nothing"])
def test_no_folder_outside_of_the_roots_is_chosen(earmark_command, tmp_path, folder):
    (tmp_path / "root" / "music").mkdir(parents=True)
    (tmp_path / "root" / "out").symlink_to("/etc")
    earmark_command.environment["EARMARK_MUSIC_ROOTS"] = str(tmp_path / "root")
    earmark_command("account", "add", "ada@example.org", "--password", "long enough")
    path = folder.format(tmp_path / "root")
    result = earmark_command("account", "folder", "ada@example.org", path)
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
    assert earmark_command("account", "list").output.rstrip().endswith("no music")


def test_an_account_is_removed_only_by_who_says_yes(earmark_command):
    earmark_command.environment["REDIS_URL"] = f"redis://127.0.0.1:{free_port()}/0"
    earmark_command("account", "add", "ada@example.org", "--password", "long enough")
    asked = earmark_command("account", "remove", "ada@example.org", answers="n\n")
    assert asked.exit_code == 1
    assert "Remove ada@example.org with 0 songs" in asked.output
    assert "ada@example.org" in earmark_command("account", "list").output
    with closing(Database(earmark_command.settings.database_url)) as database:
        with database.reading() as session:
            account = accounts.by_email(session, email="ada@example.org")
        Backups(earmark_command.settings.data_dir, account.id).keep(uuid4(), b"a.mp3")
    kept = earmark_command.settings.data_dir / "backups" / str(account.id)
    assert list(kept.iterdir())
    played = earmark_command.settings.data_dir / "played" / str(account.id)
    played.mkdir(parents=True)
    removed = earmark_command("account", "remove", "Ada@Example.org", "--yes")
    assert not kept.exists()
    assert not played.exists()
    assert (removed.exit_code, removed.stdout) == (
        0,
        "The account for ada@example.org is removed.\n",
    )
    assert earmark_command("account", "list").output == ""
    again = earmark_command("account", "remove", "ada@example.org", "--yes")
    assert (again.exit_code, len(again.stderr.splitlines())) == (2, 1)
