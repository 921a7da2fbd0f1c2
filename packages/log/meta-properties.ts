/**
 * `meta.properties`: which node of which cluster a log dir belongs to, and the dir's own id. A Java properties file;
 * written by `storage format`, by Apache Kafka, or at the first start.
 */
export const META_PROPERTIES_FILE = 'meta.properties'

export interface MetaProperties {
  /** 0: of the time of ZooKeeper, when all fields were optional. */
  readonly version: 0 | 1
  readonly clusterId: string | null
  readonly nodeId: number | null
  readonly directoryId: string | null
}

export function encodeMetaProperties(properties: MetaProperties): Uint8Array {
  const { version, clusterId, nodeId, directoryId } = properties
  const lines = ['#']
  if (clusterId !== null) lines.push(`cluster.id=${clusterId}`)
  if (directoryId !== null) lines.push(`directory.id=${directoryId}`)
  if (nodeId !== null) lines.push(`${version === 0 ? 'broker' : 'node'}.id=${nodeId}`)
  lines.push(`version=${version}`)
  return Buffer.from(`${lines.join('\n')}\n`)
}

export function decodeMetaProperties(bytes: Uint8Array): MetaProperties {
  const values = decodeProperties(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1'))
  const version = Number(values.get('version') ?? '0')
  if (version !== 0 && version !== 1) throw new Error(`version ${values.get('version')} is not known`)
  const nodeText = values.get(version === 0 ? 'broker.id' : 'node.id')
  if (nodeText !== undefined && !/^\s*-?\d+\s*$/.test(nodeText)) throw new Error(`'${nodeText}' is not a node id`)
  const directoryId = values.get('directory.id') ?? null
  if (directoryId !== null && !/^[A-Za-z0-9_-]{22}$/.test(directoryId)) {
    throw new Error(`'${directoryId}' is not a directory id`)
  }
  const properties: MetaProperties = {
    version,
    clusterId: values.get('cluster.id') ?? null,
    nodeId: nodeText === undefined ? null : Number(nodeText),
    directoryId,
  }
  if (version === 1 && properties.clusterId === null) throw new Error('no cluster.id in it')
  if (version === 1 && properties.nodeId === null) throw new Error('no node.id in it')
  return properties
}

/** As java.util.Properties reads it, as far as ids need: comments, separators, escapes; no continued lines. */
function decodeProperties(text: string): Map<string, string> {
  const values = new Map<string, string>()
  for (const line of text.split(/\r\n|\r|\n/)) {
    const match = /^[ \t\f]*((?:\\.|[^\\=: \t\f])+)[ \t\f]*[=:]?[ \t\f]*(.*)$/.exec(line)
    if (!match || /^[#!]/.test(match[1]!)) continue
    values.set(unescapeText(match[1]!), unescapeText(match[2]!))
  }
  return values
}

function unescapeText(text: string): string {
  const special: Record<string, string> = { t: '\t', n: '\n', r: '\r', f: '\f' }
  return text.replace(/\\(?:u([0-9a-fA-F]{4})|(.))/g, (_, code: string | undefined, character: string) =>
    code ? String.fromCharCode(Number.parseInt(code, 16)) : (special[character] ?? character),
  )
}
