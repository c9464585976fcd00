import type { ErrorCode } from './errors.ts';

/** What a person needs to know about an error code: shown by the docs page and kept in docs/errors. */
export interface ErrorHelp {
  readonly whatHappened: string;
  readonly howToFix: string;
}

export const ERROR_HELP: Readonly<Record<ErrorCode, ErrorHelp>> = {
  'malformed-json': {
    whatHappened:
      'The body of the request could not be read as JSON; `detail` quotes what the parser met.',
    howToFix:
      'Send valid JSON in UTF-8. A shell often eats quotes: put the body into a file and send that.',
  },
  unauthenticated: {
    whatHappened:
      'The request carried no API key, a mistyped one, or one that is unknown, expired or revoked. Which of these it was is not said.',
    howToFix:
      'Send `Authorization: Bearer dash_…`. At its first start Dash writes an admin key into the file `admin-api-key` of its data directory; `dashctl` reads it from there, or from `DASH_API_KEY`.',
  },
  'scope-missing': {
    whatHappened:
      'The API key is valid, but the route needs a scope that it does not have; `details.needed` names it.',
    howToFix: 'Use a key with that scope, or an admin key.',
  },
  'tenant-not-allowed': {
    whatHappened:
      'The API key belongs to one tenant, and the request names another one, or wants to change the fleet that all tenants share.',
    howToFix:
      "Leave the tenant out (the key's own is taken), or use a key that is not bound to a tenant.",
  },
  'not-an-approver': {
    whatHappened:
      'The approval names who may decide it, and the API key is not among them; `details.approvers` lists them. After an escalation only the second list counts.',
    howToFix:
      'Decide with one of the named keys. If nobody of them can be reached, cancel the task or the swarm and submit it again with other approvers.',
  },
  'route-not-found': {
    whatHappened:
      'No route of the API has this path. Paths are matched exactly: case and a trailing slash count.',
    howToFix:
      'Compare the path with `/docs` or `/openapi.json`. The API proper begins with `/api/v1/`.',
  },
  'task-not-found': {
    whatHappened: 'There is no task with this id that the API key may see.',
    howToFix:
      "Take the id from `GET /api/v1/tasks`. A key that is bound to a tenant sees that tenant's tasks only.",
  },
  'swarm-not-found': {
    whatHappened: 'There is no swarm with this id that the API key may see.',
    howToFix:
      "Take the id from `GET /api/v1/swarms`. A key that is bound to a tenant sees that tenant's swarms only.",
  },
  'approval-not-found': {
    whatHappened: 'There is no approval with this id that the API key may see.',
    howToFix:
      "Take the id from `GET /api/v1/approvals`. A key that is bound to a tenant sees that tenant's approvals only.",
  },
  'schedule-not-found': {
    whatHappened: 'There is no schedule with this id that the API key may see, or it was deleted.',
    howToFix:
      "Take the id from `GET /api/v1/schedules`. A key that is bound to a tenant sees that tenant's schedules only.",
  },
  'session-not-found': {
    whatHappened: 'The tenant has no session with this key: no task was ever submitted to it.',
    howToFix:
      'Name the tenant with `?tenant=` when the session is not of your own, and take the key from `GET /api/v1/sessions`.',
  },
  'bulk-operation-not-found': {
    whatHappened: 'There is no bulk operation with this id that the API key may see.',
    howToFix: 'Take the id from the answer that accepted it, or from the event `bulk.accepted`.',
  },
  'gateway-not-found': {
    whatHappened: 'No gateway with this id is registered.',
    howToFix: 'Take the id from `GET /api/v1/gateways`; `?removed=true` lists removed ones too.',
  },
  'chain-not-found': {
    whatHappened: 'Nobody watches the dashboard of this gateway.',
    howToFix:
      'Say where people open it with `PUT /api/v1/gateways/{gatewayId}/chain` (`dashctl chain set`); an empty body is enough for a dashboard on the machine of its host.',
  },
  'budget-not-found': {
    whatHappened: 'No budget of this name is set, or the API key may not see it.',
    howToFix:
      'Take the name from `GET /api/v1/budgets`, or set it with `PUT`. A key that is bound to a tenant sees the budgets of that tenant only.',
  },
  'pool-not-found': {
    whatHappened: 'There is no pool with this id that the API key may see.',
    howToFix: 'Take the id from `GET /api/v1/pools`.',
  },
  'tenant-not-found': {
    whatHappened:
      'Nothing was ever submitted for a tenant of this name and nothing was set for it, or the API key belongs to another one.',
    howToFix: 'Take the name from `GET /api/v1/tenants`, or make the tenant with `PUT`.',
  },
  'method-not-allowed': {
    whatHappened:
      'The path exists, but not for this method; the `Allow` header lists those it takes.',
    howToFix: 'Compare the request with `/docs`.',
  },
  'idempotency-conflict': {
    whatHappened:
      'The Idempotency-Key was used before, with another body. Nothing was created; `details` names what the key belongs to.',
    howToFix: 'Use a new key for new work. To repeat a request, send exactly the same body again.',
  },
  'nothing-to-decide': {
    whatHappened:
      'No attempt of the task waits for a decision, or not the attempt that the request names.',
    howToFix:
      'Get the task and its attempts again: it may have been decided or have recovered by itself.',
  },
  'already-decided': {
    whatHappened:
      'Somebody, or a time limit, has decided about this attempt or this approval before, and the first decision counts; `details` has it. An approval is also closed when what it was for has ended.',
    howToFix:
      'Nothing is needed. Once the decision about an attempt is carried out, the task can be replayed if it ended as a dead letter; work that was rejected can be submitted again.',
  },
  'dead-letter-closed': {
    whatHappened:
      'The task is no dead letter, or its dead letter was replayed or discarded before; `details` says which.',
    howToFix:
      'Only a task in state `dead` can be replayed or discarded. Another replay, once the former task has ended, needs `"again": true`.',
  },
  'session-busy': {
    whatHappened:
      'The session cannot move while an attempt of it is open at its gateway; `details` names the attempt.',
    howToFix:
      'Wait for the attempt to end, cancel its task, or decide about it when its outcome is unknown; then move the session.',
  },
  'task-not-waiting': {
    whatHappened:
      'The command is for tasks that wait; this one is with a gateway, is being decided about, or has ended. `details.state` has its state.',
    howToFix: 'Nothing is needed: a task that runs has left the queue.',
  },
  'pool-in-use': {
    whatHappened:
      'The pool cannot be deleted: it is `default`, or open tasks or waiting nodes of swarms need it. `details` counts them.',
    howToFix:
      'Let its work end, or cancel it: `GET /api/v1/tasks?pool=…`. The pool `default` always stays.',
  },
  'swarm-ended': {
    whatHappened: 'The swarm is completed, failed or cancelled, and takes no more commands.',
    howToFix: 'Run the swarm again if more is to be done.',
  },
  'gateway-exists': {
    whatHappened:
      'A gateway with this id is registered, or was and has been removed: ids are never used again.',
    howToFix: 'Choose another id.',
  },
  'gateway-refuses': {
    whatHappened:
      'In its present state the gateway does not take this command, or it cannot be removed while work or sessions are bound to it. `details` has the state and what it takes.',
    howToFix:
      'Wait for the state to change, or send one of the commands in `details.accepts`. Before a removal: drain it and let its sessions end.',
  },
  'cursor-expired': {
    whatHappened:
      'The cursor belongs to another event stream: the database was restored or replaced since it was given out.',
    howToFix:
      'What you know of rows may be out of date: read them again, then follow without a cursor, or with `after=start`.',
  },
  'payload-too-large': {
    whatHappened:
      'The body, or a text in it, is larger than allowed; `details.limitBytes` is the limit.',
    howToFix:
      'Shorten it, or let the agent fetch large material by itself. A prompt may have 256 KiB, a whole body 1 MiB.',
  },
  'unsupported-media-type': {
    whatHappened:
      'The body is not declared as JSON in UTF-8, or is compressed in a way that is not supported.',
    howToFix: 'Send `Content-Type: application/json`.',
  },
  'validation-failed': {
    whatHappened:
      'The request does not fit its description. `details.issues` lists everything that is wrong, each with its path.',
    howToFix: 'Correct what is listed. `/docs` describes every route.',
  },
  'limit-reached': {
    whatHappened:
      'A bound on open work is reached, so the work was not accepted; `details.bound` names it.',
    howToFix:
      'Repeat the request after `Retry-After`, or let the installation have a higher bound.',
  },
  'too-many-streams': {
    whatHappened: 'This API process serves as many event streams as it may.',
    howToFix:
      'Close streams that are not needed, share one among readers, or run more API processes.',
  },
  'slow-consumer': {
    whatHappened:
      'The client did not read its event stream for too long, so it was ended. Nothing is lost: events are rows.',
    howToFix:
      'Go on from the last cursor. Filter the stream, or do slow work outside of the reading loop.',
  },
  internal: {
    whatHappened:
      'Dash met a failure of its own. The log has the reason beside the `requestId` of the answer.',
    howToFix:
      'Repeat the request with the same Idempotency-Key. If it fails again, report it with the log lines of that request id.',
  },
  'database-unavailable': {
    whatHappened:
      'PostgreSQL did not answer, or did not answer in time. Whether an interrupted write took effect is not known. Running work goes on.',
    howToFix:
      'Repeat the request after `Retry-After`, with the same Idempotency-Key. Look at `/health/ready` and at PostgreSQL.',
  },
  'temporal-unavailable': {
    whatHappened:
      'The command needs an answer of a workflow, and Temporal or the control worker did not give one in time. Submitting work does not need them.',
    howToFix:
      'Repeat the request after `Retry-After`; commands can be repeated safely. Look at `/health/ready` and at the control worker.',
  },
  'not-ready': {
    whatHappened:
      'A dependency that the API needs is down, or the API is ending; `details.checks` names the dependency.',
    howToFix: 'Bring the named dependency back. The API recovers by itself.',
  },
};
