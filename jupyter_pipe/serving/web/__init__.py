"""What a service says over HTTP: `/score`, `/schema`, `/health`, `/ready`, `/metrics`,
`/status`, and a page.

`reading` makes rows of a request's body, `answers` has them scored and says by which
version, `description` tells what may be asked, `app` binds all of it to routes. No
request of a client is answered with 5xx while a version is live.
"""
