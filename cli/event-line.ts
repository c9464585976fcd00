import type { Event } from '../src/contract/event-dto.ts';
import type { Output } from './output/output.ts';
import { harmless } from './output/text.ts';

/** One event: a JSON line with its cursor, or `15:04:05.123  task.accepted  task-…  key=value`. */
export function showEvent(output: Output, event: Event, cursor: string): void {
  output.item({ cursor, ...event }, (print) => {
    const time = print.paint('dim', timeOfDay(event.at));
    const told = `${event.type.padEnd(24)} ${subjectOf(event)}  ${dataWords(event.data)}`;
    print.line(`${time}  ${harmless(told).trimEnd()}`);
  });
}

function timeOfDay(at: string): string {
  return new Date(Date.parse(at)).toISOString().slice(11, 23);
}

function subjectOf(event: Event): string {
  const { taskId, swarmId, gatewayId } = event;
  const subjects = [taskId, taskId === null ? swarmId : null, gatewayId].filter(
    (id) => id !== null,
  );
  return subjects.join(' @ ');
}

function dataWords(data: Event['data']): string {
  return Object.entries(data)
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(' ');
}
