/** What a member says that it has: whether that can be, and what it means for an epoch that is behind. */
import type { StreamsGroupHeartbeatRequest } from '@ottla/protocol/messages/streams-group-heartbeat'
import { ApiError } from '../../../errors.ts'
import type { ConfiguredTopology } from './configured-topology.ts'
import { JOIN_EPOCH, type Member } from './member.ts'
import { type AnyTasks, isWithin, type TaskIds, type Tasks, taskSet } from './tasks.ts'

/** null: it doesn't say. */
export function ownedTasks({ activeTasks, standbyTasks, warmupTasks }: StreamsGroupHeartbeatRequest): Tasks | null {
  if (!activeTasks || !standbyTasks || !warmupTasks) return null
  return { active: taskSet(activeTasks), standby: taskSet(standbyTasks), warmup: taskSet(warmupTasks) }
}

/** One that is behind may not have got the last answer: if it has nothing that it must not have, it may go on. */
export function checkReceivedEpoch(member: Member, request: StreamsGroupHeartbeatRequest): void {
  const { memberEpoch, activeTasks, standbyTasks, warmupTasks } = request
  if (memberEpoch === JOIN_EPOCH || memberEpoch === member.epoch) return
  const { assigned } = member
  const hasLostAnswer =
    memberEpoch < member.epoch &&
    memberEpoch === member.previousEpoch &&
    areWithin(activeTasks, assigned.active) &&
    areWithin(standbyTasks, assigned.standby) &&
    areWithin(warmupTasks, assigned.warmup)
  if (hasLostAnswer) return
  const than = memberEpoch > member.epoch ? 'greater' : 'smaller'
  throw new ApiError(
    'FENCED_MEMBER_EPOCH',
    `The streams group member has a ${than} member epoch (${memberEpoch}) than the one known by the group coordinator (${member.epoch}). The member must abandon all its partitions and rejoin.`,
  )
}

function areWithin(owned: readonly TaskIds[] | null, assigned: AnyTasks): boolean {
  return owned !== null && isWithin(taskSet(owned), assigned)
}

/** Only tasks that the topology has. */
export function checkOwnedTasks(request: StreamsGroupHeartbeatRequest, { subtopologies }: ConfiguredTopology): void {
  for (const tasks of [request.activeTasks, request.standbyTasks, request.warmupTasks]) {
    for (const { subtopologyId, partitions } of tasks ?? []) {
      const taskCount = subtopologies!.get(subtopologyId)?.taskCount
      if (taskCount === undefined)
        throw new ApiError('INVALID_REQUEST', `The topology has no subtopology ${subtopologyId}.`)
      const wrong = partitions.find(partition => partition < 0 || partition >= taskCount)
      if (wrong !== undefined)
        throw new ApiError(
          'INVALID_REQUEST',
          `Subtopology ${subtopologyId} has ${taskCount} tasks, and no task ${wrong}.`,
        )
    }
  }
}
