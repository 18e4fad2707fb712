/* The API's execution in the shape of the socket's state message. Pure. */

export function stateOfApi(execution) {
  return {
    status: execution.status,
    status_detail: execution.status_detail ?? "",
    waiting_reason: execution.waiting_reason ?? "",
    error_text: execution.error_text ?? "",
    exit_code: execution.exit_code,
    queued_at: execution.queue_time,
    started_at: execution.start_time,
    ended_at: execution.end_time,
    worker_identity: execution.executor_identity,
    log_line_count: execution.log_line_count,
    metadata_count: execution.metadata_count,
    output_count: execution.n_outputs,
    alert_count: execution.n_alerts,
    cumulative_metadata: execution.cumulative_metadata,
    latest_stats: execution.latest_stats,
  };
}
