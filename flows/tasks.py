"""The steps of a pass as Prefect's tasks: pass_steps.py says what they do.

They are untagged (a tag asks the server for a slot each time) and keep no results: the clip store knows what is done.
A shot or a take that comes to nothing is a failed task run with its reason, after Prefect has tried it again where that
may help; what only failed in company is not, because it is tried again alone.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Any

from prefect import State, Task, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import TaskRun
from prefect.runtime import task_run
from prefect.states import Completed, Failed

from flows import pass_steps
from flows.errors import WorkFailedError
from flows.fan_out import Tasks
from flows.records import PassReport
from flows.work.attempts import MOST_TRIES
from flows.work.boundary import Failure, in_words
from flows.work.steps import Heard, Take

# Of a task that went well its line in the log says what the page says already, hundreds of times.
logging.getLogger("prefect.task_runs").setLevel(logging.ERROR)


def _title() -> str:
    name: str = task_run.task_name
    return f"{name} {task_run.parameters['work'].title}"


def _is_tried_again(task: Task[..., Any], run: TaskRun, state: State[Any]) -> bool:
    """Whether a failure may be mended by another try; pass_run.py counts them."""
    error = state.result(raise_on_failure=False)
    return isinstance(error, WorkFailedError) and error.again


def _task(step: Callable[..., Any], tell: Callable[[Any], str]) -> Task[..., Any]:
    def run_step(work: Any, run: Any) -> State[Any]:
        try:
            result = step(work, run)
        except Exception as error:
            sentence = str(error) if isinstance(error, WorkFailedError) else in_words(error)
            return Failed(message=sentence, data=error)
        return Completed(message=tell(result), data=result)

    return task(
        name=step.__name__,
        description=step.__doc__,
        task_run_name=_title,
        retries=MOST_TRIES,
        retry_condition_fn=_is_tried_again,
        cache_policy=NO_CACHE,
        persist_result=False,
    )(run_step)


def _of_shots(results: Sequence[str | Failure]) -> str:
    return _failures(results) or f"{len(results)} seen"


def _of_cues(results: Sequence[Heard | Failure]) -> str:
    cues = [cue for result in results if isinstance(result, Heard) for cue in result.cues]
    labels = dict.fromkeys(cue.spotted.label for cue in cues)
    return _failures(results) or ", ".join(labels) or "silent"


def _of_takes(results: Sequence[Take | Failure]) -> str:
    seconds = [take.receipt.seconds for take in results if isinstance(take, Take) and take.receipt]
    return _failures(results) or f"{len(seconds)} made, {sum(seconds) / max(1, len(seconds)):.1f} s each"


def _failures(results: Sequence[Any]) -> str:
    failed = [result for result in results if isinstance(result, Failure)]
    return f"{len(failed)} of {len(results)} are tried again alone: {failed[0].reason}" if failed else ""


def _of_report(report: PassReport) -> str:
    return f"{report.summary}; {report.outputs.edit or report.outputs.report}"


plan_edit = _task(pass_steps.plan_edit, str)
encode_frames = _task(pass_steps.encode_frames, _of_shots)
detect_cues = _task(pass_steps.detect_cues, _of_cues)
generate_takes = _task(pass_steps.generate_takes, _of_takes)
lay_tracks = _task(pass_steps.lay_tracks, _of_report)

TASKS = Tasks(
    plan_edit=plan_edit,
    encode_frames=encode_frames,
    detect_cues=detect_cues,
    generate_takes=generate_takes,
    lay_tracks=lay_tracks,
)
