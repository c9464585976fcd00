import type { Command } from './command.ts';
import {
  deadLetterDiscard,
  deadLetterProgress,
  deadLetterReplay,
} from './commands/dead-letter-bulk.ts';
import { reconcileList, reconcileRun } from './commands/reconcile.ts';
import { restoreComplete } from './commands/restore-complete.ts';
import { deadLetterGet, deadLetterList } from './commands/dead-letter-read.ts';
import { decisionGet, decisionList } from './commands/decision.ts';
import { approvalApprove, approvalGet, approvalList, approvalReject } from './commands/approval.ts';
import { budgetGet, budgetList, budgetRemove, budgetSet } from './commands/budget.ts';
import { doctor } from './commands/doctor.ts';
import { eventsTail } from './commands/events.ts';
import { fleetLimits, fleetPause, fleetResume, fleetStatus } from './commands/fleet.ts';
import { gatewayAdd } from './commands/gateway-add.ts';
import { gatewayCommands } from './commands/gateway-change.ts';
import { gatewayGet, gatewayList, gatewayUrl } from './commands/gateway-read.ts';
import { gatewaySet } from './commands/gateway-set.ts';
import { migrateCommand } from './commands/migrate.ts';
import { policyGet, policySet } from './commands/policy.ts';
import {
  scheduleCreate,
  scheduleDelete,
  schedulePause,
  scheduleResume,
  scheduleTrigger,
  scheduleUpdate,
} from './commands/schedule-change.ts';
import { scheduleGet, scheduleList } from './commands/schedule-read.ts';
import {
  chainHeal,
  chainPause,
  chainRemove,
  chainResume,
  chainSet,
} from './commands/chain-change.ts';
import { chainHistory, chainList, chainStatus, chainVerify } from './commands/chain-read.ts';
import { poolDelete, poolGet, poolList, poolPut } from './commands/pool.ts';
import { sessionGet, sessionList } from './commands/session.ts';
import { sessionMigrate, sessionQuarantine, sessionRelease } from './commands/session-change.ts';
import {
  swarmCancel,
  swarmList,
  swarmPause,
  swarmResume,
  swarmScale,
  swarmStatus,
} from './commands/swarm-change.ts';
import { swarmRun } from './commands/swarm-run.ts';
import { taskBump } from './commands/task-bump.ts';
import { taskCancel, taskDecide, taskDiscard, taskReplay } from './commands/task-change.ts';
import { taskGet, taskList, taskWatch } from './commands/task-read.ts';
import { taskSubmit } from './commands/task-submit.ts';
import { tenantGet, tenantList, tenantSet } from './commands/tenant.ts';
import { upCommand } from './commands/up.ts';
import { why } from './commands/why.ts';

/** Every command of `dashctl`, in the order of the help and of the reference page. */
export const COMMANDS: readonly Command[] = [
  upCommand(),
  taskSubmit,
  taskGet,
  taskList,
  taskWatch,
  taskCancel,
  taskBump,
  taskDecide,
  taskReplay,
  taskDiscard,
  deadLetterList,
  deadLetterGet,
  deadLetterReplay,
  deadLetterDiscard,
  deadLetterProgress,
  decisionList,
  decisionGet,
  swarmRun,
  swarmStatus,
  swarmList,
  swarmPause,
  swarmResume,
  swarmScale,
  swarmCancel,
  approvalList,
  approvalGet,
  approvalApprove,
  approvalReject,
  scheduleCreate,
  scheduleList,
  scheduleGet,
  scheduleUpdate,
  scheduleTrigger,
  schedulePause,
  scheduleResume,
  scheduleDelete,
  sessionList,
  sessionGet,
  sessionMigrate,
  sessionQuarantine,
  sessionRelease,
  policyGet,
  policySet,
  gatewayAdd,
  gatewayList,
  gatewayGet,
  gatewayUrl,
  gatewaySet,
  ...gatewayCommands,
  why,
  budgetList,
  budgetGet,
  budgetSet,
  budgetRemove,
  chainList,
  chainStatus,
  chainVerify,
  chainSet,
  chainHeal,
  chainPause,
  chainResume,
  chainRemove,
  chainHistory,
  poolList,
  poolGet,
  poolPut,
  poolDelete,
  tenantList,
  tenantGet,
  tenantSet,
  fleetStatus,
  fleetPause,
  fleetResume,
  fleetLimits,
  eventsTail,
  reconcileList,
  reconcileRun,
  doctor,
  migrateCommand,
  restoreComplete,
];
