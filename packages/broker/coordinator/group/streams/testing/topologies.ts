/** Topologies in a line of text. */
import type { StreamsGroupHeartbeatRequest } from '@ottla/protocol/messages/streams-group-heartbeat'

type Topology = NonNullable<StreamsGroupHeartbeatRequest['topology']>

/**
 * `0:in,other>rep 1:~rep+log`: a subtopology 0 that reads two topics and writes a repartition topic, which 1 reads; 1 has
 * a changelog. `~rep=3` asks for three partitions, `!` at the end says that all sources are read together.
 */
export function parseTopology(text: string, epoch = 0): Topology {
  return { epoch, subtopologies: text.split(' ').map(parseSubtopology) }
}

function parseSubtopology(text: string) {
  const [subtopologyId = '', rest = ''] = text.split(':')
  const after = (mark: string) => {
    const found = new RegExp(`\\${mark}([\\w.,=-]+)`).exec(rest)
    return found ? found[1]!.split(',') : []
  }
  const topic = (word: string) => {
    const [name = '', partitions = '0'] = word.split('=')
    return { name, partitions: Number(partitions), replicationFactor: 0, topicConfigs: [] }
  }
  const sourceTopics = /^[\w.-]/.test(rest) ? rest.split(/[>~+!]/)[0]!.split(',') : []
  const repartitionSourceTopics = after('~').map(topic)
  return {
    subtopologyId,
    sourceTopics,
    sourceTopicRegex: [],
    stateChangelogTopics: after('+').map(topic),
    repartitionSinkTopics: after('>'),
    repartitionSourceTopics,
    copartitionGroups: rest.endsWith('!')
      ? [
          {
            sourceTopics: [...sourceTopics.keys()],
            sourceTopicRegex: [],
            repartitionSourceTopics: [...repartitionSourceTopics.keys()],
          },
        ]
      : [],
  }
}

/** `0_0,0_1 1_2`, with or without spaces. */
export function parseTasks(text: string) {
  const tasks = new Map<string, number[]>()
  for (const word of text.split(/[ ,]/).filter(word => word.includes('_'))) {
    const [subtopologyId = '', partition = ''] = word.split('_')
    tasks.set(subtopologyId, [...(tasks.get(subtopologyId) ?? []), Number(partition)])
  }
  return [...tasks].map(([subtopologyId, partitions]) => ({ subtopologyId, partitions }))
}
