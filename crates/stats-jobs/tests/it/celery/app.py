"""What Python's side has: an application, and tasks that it performs itself."""

import os

from celery import Celery

serializer = os.environ["SERIALIZER"]
app = Celery("app", broker=os.environ["BROKER"], backend=os.environ["RESULTS"])
app.conf.update(
    task_serializer=serializer,
    result_serializer=serializer,
    accept_content=["json", "msgpack"],
    task_routes={"ours.*": {"queue": "stats-cache"}},
    task_queue_max_priority=None,
    broker_connection_retry_on_startup=True,
)


@app.task(name="theirs.add")
def theirs_add(a, b=0):
    return {"sum": a + b}


@app.task(name="theirs.fail")
def theirs_fail(text):
    raise ValueError(text)


def ours(name, *args, **options):
    """Sends a task that is performed by the other side."""
    return app.send_task("ours." + name, args, **options)
