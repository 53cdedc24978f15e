"""What the Operations tab of JupyterLab shows and does: what waits for a person,
models, data, studies, the service, the loop.

Each page is one request and one record (`payloads`). Pages are put together in
processes of their own (`pipelines.pool`), since a registry may be slow, and what is
found on disk may be anything. They load no value and no bundle, and change nothing.
What does is a request of its own: an answer to a question, and a decision about a
version, which loads bundles in a process that is started for it (`deciding`).
"""
