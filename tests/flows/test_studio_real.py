"""A real studio: server, pools, workers. Slow, because everything is started and killed for real."""

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.passes import Cut
from tests.support.studios import (
    ROOT,
    StudioUnderTest,
    begun,
    mail_server,
    studio_in,
    webhook,
)
from tests.support.waiting import PATIENCE_S, wait_until

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StudioUnderTest]:
    """One for all tests that do not end it."""
    with studio_in(tmp_path_factory.mktemp("studio")) as running:
        yield running


def test_nobody_enters_without_the_password(studio: StudioUnderTest) -> None:
    assert studio.request("GET", "/admin/version", None, "")[0] == 401
    assert studio.request("POST", "/flow_runs/filter", b"{}", "foley:wrong")[0] == 401
    assert studio.request("GET", "/admin/version", None, studio.credentials())[0] == 200
    assert studio.foley("studio", "password").strip() == studio.credentials()
    assert studio.credentials() not in studio.said()
    secret = studio.credentials().partition(":")[2]
    assert all(secret not in line for line in studio.processes().values())
    for log in (studio.home / "logs").iterdir():
        assert secret not in log.read_text()


def test_its_pages_are_told_to_speak_to_nobody_else(studio: StudioUnderTest) -> None:
    as_a_browser = {"Accept": "text/html"}
    request = urllib.request.Request(f"http://127.0.0.1:{studio.port}/v2/dashboard", headers=as_a_browser)
    with urllib.request.urlopen(request, timeout=30) as page:
        policy = page.headers["Content-Security-Policy"]
        assert page.headers["Content-Type"].startswith("text/html")
    assert policy == f"connect-src 'self' http://127.0.0.1:{studio.port} ws://127.0.0.1:{studio.port}"


def test_status_shows_server_pools_and_workers(studio: StudioUnderTest) -> None:
    def seen() -> dict[str, str]:
        rows = studio.foley_json("studio", "status")["rows"]
        return {f"{row['kind']} {row['name']}": row["state"] for row in rows}

    wait_until(lambda: sum(name.startswith("worker") for name in seen()) == 2)
    table = seen()
    assert table["pool foley-passes"] == table["pool foley-nights"] == "ready"
    assert {state for name, state in table.items() if name.startswith("worker")} == {"online"}


def test_a_second_one_is_told_who_runs_it(studio: StudioUnderTest) -> None:
    assert studio.process
    complaint = studio.foley("studio", "up", expect=2)
    assert f"running already (process {studio.process.pid}, http://127.0.0.1:{studio.port})" in complaint


def test_an_edit_given_to_the_studio_is_begun_by_a_worker_and_ends(studio: StudioUnderTest, tmp_path: Path) -> None:
    (deployment,) = [
        found
        for found in studio.api("POST", "/deployments/filter", {})
        if found["entrypoint"] == "flows.foley_pass.foley_pass" and found["name"] == "studio"
    ]
    parameters = {"parameters": {"edit": str(tmp_path / "gone.otio"), "options": {"out": str(tmp_path / "out")}}}
    run = studio.api("POST", f"/deployments/{deployment['id']}/create_flow_run", parameters)
    ended = studio.wait_for_state(run["id"], "Failed")
    assert "gone.otio" in ended["state"]["message"]


def test_a_schedule_is_made_changed_paused_resumed_and_removed(studio: StudioUnderTest, tmp_path: Path) -> None:
    inbox, out = tmp_path / "inbox", tmp_path / "out"
    inbox.mkdir()
    folders = ("--inbox", str(inbox), "--out", str(out), "--name", "reels")
    at_ten = ("schedule", "nightly", "--cron", "0 22 * * 1-5", "--timezone", "Europe/Berlin", *folders)
    (made,) = studio.foley_json(*at_ten, "--until", "07:00", "--seed", "3", "--takes", "2")
    assert (made["when"], made["until"], made["paused"]) == ("0 22 * * 1-5 Europe/Berlin", "07:00", False)
    # With a limit of Prefect's, a server that is started again would have the night cancelled (flows/turn.py).
    deployments = studio.api("POST", "/deployments/filter", {})
    assert {each["name"]: each["global_concurrency_limit"] for each in deployments}["reels"] is None

    def planned() -> list[str]:
        (found,) = studio.foley_json("schedule", "list")
        return list(found["next_runs"])

    wait_until(planned)
    assert planned()[0] == made["next_runs"][0]
    assert "T22:00:00+0" in planned()[0]
    studio.foley("schedule", "nightly", "--cron", "30 21 * * *", "--timezone", "Asia/Tokyo", *folders)
    wait_until(lambda: planned() and all("T21:30:00+09:00" in time for time in planned()))
    studio.foley("schedule", "pause", "reels")
    (paused,) = studio.foley_json("schedule", "list")
    assert (paused["paused"], paused["next_runs"]) == (True, [])
    studio.foley("schedule", "resume", "reels")
    wait_until(planned)
    assert "no schedule is called 'nights'; there are: reels" in studio.foley("schedule", "remove", "nights", expect=2)
    studio.foley("schedule", "remove", "reels")
    assert studio.foley_json("schedule", "list") == []


def test_prefect_deploys_what_prefect_yaml_says(studio: StudioUnderTest, tmp_path: Path) -> None:
    (tmp_path / "inbox").mkdir()
    folders = ("--inbox", str(tmp_path / "inbox"), "--out", str(tmp_path / "out"))
    studio.foley("schedule", "nightly", "--cron", "0 22 * * *", "--timezone", "UTC", *folders)
    environment = studio.environment | {
        "PREFECT_API_URL": f"http://127.0.0.1:{studio.port}/api",
        "PREFECT_API_AUTH_STRING": studio.credentials(),
        "PREFECT_HOME": str(tmp_path),
        "DO_NOT_TRACK": "1",
    }
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 0, done.stderr
    own, example = studio.foley_json("schedule", "list")
    assert (own["name"], own["paused"], own["inbox"]) == ("nightly", False, str(tmp_path / "inbox"))
    assert (example["name"], example["paused"], example["until"]) == ("nightly-example", True, "07:00")
    studio.foley("schedule", "resume", "nightly-example")
    wait_until(lambda: studio.foley_json("schedule", "list")[1]["next_runs"])
    for name in ("nightly", "nightly-example"):
        studio.foley("schedule", "remove", name)


def test_what_cannot_be_scheduled_is_one_sentence(studio: StudioUnderTest, tmp_path: Path) -> None:
    inbox, out = str(tmp_path), str(tmp_path.parent / "out")
    folders = ("--inbox", inbox, "--out", out)
    nightly = ("schedule", "nightly", "--timezone", "Europe/Berlin", "--cron")
    for arguments, word in (
        ((*nightly, "22:00", *folders), "minute hour day month weekday"),
        (("schedule", "nightly", "--cron", "0 22 * * *", "--timezone", "berlin", *folders), "write Europe/Berlin"),
        ((*nightly, "0 22 * * *", "--inbox", inbox + "/gone", "--out", out), "is no folder"),
        ((*nightly, "0 22 * * *", "--inbox", inbox, "--out", inbox + "/made"), "lies in the inbox"),
        ((*nightly, "0 22 * * *", *folders, "--until", "7 am"), "--until 7 am is no time of day"),
        (("schedule", "watch", "--every", "5", *folders), "--every 5"),
    ):
        complaint = studio.foley(*arguments, expect=2)
        assert word in complaint
        assert len(complaint.splitlines()) == 1
    assert studio.foley_json("schedule", "list") == []


def test_a_watched_inbox_is_looked_into_and_told_of_once(studio: StudioUnderTest, tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (inbox / "bad.otio").write_text("no edit")
    os.utime(inbox / "bad.otio", (0, 0))  # copied long ago
    studio.foley("schedule", "watch", "--inbox", str(inbox), "--out", str(tmp_path / "out"), "--every", "60")
    (found,) = studio.foley_json("schedule", "list")
    assert (found["name"], found["when"]) == ("watch", "every 60 s")
    query = {
        "flows": {"name": {"any_": ["overnight"]}},
        "flow_runs": {"state": {"type": {"any_": ["FAILED"]}}},
        "sort": "START_TIME_ASC",
    }
    wait_until(lambda: len(studio.api("POST", "/flow_runs/filter", query)) >= 2)
    looks = studio.api("POST", "/flow_runs/filter", query)
    assert [look["state"]["name"] for look in looks[:2]] == ["Failed", "StillFailing"]
    assert all("bad.otio" in look["state"]["message"] for look in looks)
    studio.foley("schedule", "remove", "watch")


def test_a_failed_run_is_told_by_webhook_and_mail_with_a_link(studio: StudioUnderTest, tmp_path: Path) -> None:
    with webhook() as (url, posts), mail_server() as (smtp, mails):
        studio.foley("studio", "notify", "--webhook", "-", stdin=f"{url}\n")
        studio.foley("studio", "notify", "--mail", "td@studio.test", "--smtp", smtp)
        assert studio.foley_json("studio", "notify", "--test")["tested"] == ["foley-webhook", "foley-mail"]
        assert "A test" in posts.pop()["text"]
        assert "A test" in mails.pop()
        for ends in ("Completed all well", "Failed the disk is full"):
            folder = tmp_path / ends.split()[0]
            run = studio.begin_waiting_run(folder)
            (folder / "end").write_text(ends)
            studio.wait_for_state(run, ends.split()[0])
        wait_until(lambda: posts and mails, "the mail")
        time.sleep(2)
        link = f"http://127.0.0.1:{studio.port}/runs/flow-run/{run}"
        assert [post["subject"] for post in posts] == ["reel1 - 3 shots: Failed"]
        assert "the disk is full" in posts[0]["body"]
        assert link in posts[0]["body"]
        assert len(mails) == 1
        assert "the disk is full" in mails[0]
        assert studio.foley_json("studio", "notify", "--remove")["removed"] == ["foley-webhook", "foley-mail"]
        assert "nobody is told yet" in studio.foley("studio", "notify", "--test", expect=2)


def test_a_killed_worker_is_started_again_and_its_run_with_it(studio: StudioUnderTest, tmp_path: Path) -> None:
    run = studio.begin_waiting_run(tmp_path)
    wait_until(lambda: begun(tmp_path))
    os.kill(studio.pid_of("worker start", "foley-passes"), signal.SIGKILL)
    wait_until(lambda: len(begun(tmp_path)) == 2)
    assert not Path(f"/proc/{begun(tmp_path)[0]}").exists()
    (tmp_path / "end").write_text("Completed all well")
    assert studio.wait_for_state(run, "Completed")["run_count"] == 2
    assert "Crashed" in studio.states_of(run)
    assert "ended (signal 9), starting it again" in studio.said()


def test_a_run_that_dies_each_time_is_given_up(studio: StudioUnderTest, tmp_path: Path) -> None:
    run = studio.begin_waiting_run(tmp_path)
    (tmp_path / "end").write_text("dies")
    ended = studio.wait_for_state(run, "GivenUp")
    assert ended["state_type"] == "FAILED"
    assert "Crashed 3 times" in ended["state"]["message"]
    assert len(begun(tmp_path)) == 3


def test_a_killed_server_is_started_again_and_the_run_goes_on(studio: StudioUnderTest, tmp_path: Path) -> None:
    run = studio.begin_waiting_run(tmp_path)
    wait_until(lambda: begun(tmp_path))
    server = studio.pid_of("server start")
    os.kill(server, signal.SIGKILL)
    wait_until(lambda: studio.request("GET", "/health", None, "")[0] == 200)
    assert studio.pid_of("server start") != server
    (tmp_path / "end").write_text("Completed all well")
    assert studio.wait_for_state(run, "Completed")["run_count"] == 1
    assert len(begun(tmp_path)) == 1


RUN = """
import sys
from tests.support import passes
import flows.work.engine, flows.planning.plan
from plugin.cli import main
flows.planning.plan.find_model = lambda name: passes.made_up_card()
flows.work.engine._RESIDENCE.build = passes.FakeEngine().build
main(sys.argv[1:])
"""


def test_a_pass_run_by_hand_is_recorded_by_the_studio(
    studio: StudioUnderTest, movie: Callable[[str], Path], edit_of: Callable[..., Path]
) -> None:
    edit = edit_of(Cut(name="train", media=movie("a.mp4")), name="byhand.otio")
    command = [sys.executable, "-c", RUN, "run", str(edit), "--no-preview"]
    done = subprocess.run(command, env=studio.environment, capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 0, done.stderr
    assert "with the running studio" in done.stderr
    query = {"flow_runs": {"name": {"like_": "byhand"}}}
    (run,) = studio.api("POST", "/flow_runs/filter", query)
    assert (run["state_name"], run["deployment_id"]) == ("Completed", None)
    assert not any("flows.server.server_process" in line for line in studio.processes().values())


def test_a_pass_is_shared_with_a_worker_that_lives_in_another_folder(
    studio: StudioUnderTest, movie: Callable[[str], Path], edit_of: Callable[..., Path]
) -> None:
    cuts = (Cut(name="train", media=movie("a.mp4"), first=4 * n, count=12) for n in range(6))
    edit_of(*cuts, name="shared.otio", folder=studio.folder)
    words = ("run", "shared.otio", "--no-preview", "--workers", "2", "--store", "own")
    # Nothing moves in these pictures, so what is made is silence.
    said = studio.foley(*words, expect=4)
    # What the other worker made is found: its store is the one that was named here.
    assert "6 shots, 6 finished earlier, 0 to do" in said
    query = {"flow_runs": {"name": {"like_": "share 2 of 2"}}}
    (run,) = studio.api("POST", "/flow_runs/filter", query)
    assert (run["state_name"], run["state"]["message"]) == ("Completed", "shared: 3 shots silent")


def test_a_further_machine_takes_its_share(studio: StudioUnderTest, tmp_path: Path) -> None:
    other = StudioUnderTest(tmp_path)
    (tmp_path / "password").write_text(f"{studio.credentials()}\n")
    url = f"http://127.0.0.1:{studio.port}/api"
    (tmp_path / "wrong").write_text("foley:wrong\n")
    refused = other.foley("studio", "join", url, "--password-file", str(tmp_path / "wrong"), expect=2)
    assert "refuses the password" in refused
    try:
        other.up_by("join", url, "--password-file", str(tmp_path / "password"))
        first, second = tmp_path / "first", tmp_path / "second"
        runs = [studio.begin_waiting_run(folder) for folder in (first, second)]
        # Each worker makes one pass at a time, so both at once are two workers.
        wait_until(lambda: begun(first) and begun(second))
        assert len({*begun(first), *begun(second)} & set(other.processes())) == 1
        for folder, run in zip((first, second), runs, strict=True):
            (folder / "end").write_text("Completed all well")
            studio.wait_for_state(run, "Completed")
    finally:
        other.end()
    assert not other.processes()


def test_up_killed_leaves_nothing_and_the_next_one_goes_on(tmp_path: Path) -> None:
    with studio_in(tmp_path / "studio", "--workers", "2") as studio:
        assert studio.process
        folder = tmp_path / "run"
        run = studio.begin_waiting_run(folder)
        wait_until(lambda: begun(folder))
        studio.process.kill()
        studio.process.wait()
        wait_until(lambda: not studio.processes(), "the end of all")
        studio.up()
        wait_until(lambda: len(begun(folder)) == 2)
        assert "AwaitingRetry" in studio.states_of(run)
        (folder / "end").write_text("Completed all well")
        studio.wait_for_state(run, "Completed")
        studio.foley("studio", "down")
        assert studio.process.wait(PATIENCE_S) == 0
        assert not studio.processes()
        assert "does not run" in studio.foley("studio", "status", expect=2)


def test_a_machine_that_vanishes_loses_its_run_to_another_worker(tmp_path: Path) -> None:
    with studio_in(tmp_path / "studio") as studio:
        folder = tmp_path / "run"
        run = studio.begin_waiting_run(folder)
        wait_until(lambda: begun(folder))
        # A worker that nobody watches over is what a further machine's worker is to this one.
        relabelled = {"prefect.worker.name": "elsewhere-1"}
        studio.api("PATCH", f"/flow_runs/{run}/labels", relabelled)
        os.kill(studio.pid_of("worker start", "foley-passes"), signal.SIGKILL)
        studio.wait_for_state(run, "Crashed", "RunAgain", "Pending")
        wait_until(lambda: len(begun(folder)) == 2)
        (folder / "end").write_text("Completed all well")
        studio.wait_for_state(run, "Completed")
        states = studio.states_of(run)
        assert states.count("RunAgain") == 1
