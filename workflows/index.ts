/** Every workflow of Dash: what the control worker's bundle is made from. */
export { bulkWorkflow } from './bulk.ts';
export { dashboardChainWorkflow } from './dashboard-chain.ts';
export { gatewayWorkflow } from './gateway.ts';
export { maintenanceWorkflow } from './maintenance.ts';
export { submissionWorkflow } from './submission.ts';
export { swarmWorkflow } from './swarm.ts';
export { taskWorkflow } from './task.ts';
