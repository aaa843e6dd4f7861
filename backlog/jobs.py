"""The queues, and the job of each."""

PROJECTION = "projection"
FETCH = "fetch"
SYNC = "sync"
NOTICE = "notice"
PREVIEW = "preview"

JOB_OF = {
    PROJECTION: "workers.jobs.catch_up_projections",
    FETCH: "workers.jobs.fetch_what_is_due",
    SYNC: "workers.jobs.sync_what_is_due",
    NOTICE: "workers.notices.jobs.send_what_is_due",
    PREVIEW: "workers.previews.jobs.preview_what_is_due",
}
