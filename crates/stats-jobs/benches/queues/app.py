"""A task that does nothing, as Python's side has it."""

import os

from celery import Celery

app = Celery("app", broker=os.environ["BROKER"])
app.conf.update(task_ignore_result=True, broker_connection_retry_on_startup=True)


@app.task(name="bench.nothing")
def nothing():
    pass
