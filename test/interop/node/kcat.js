/**
 * kcat, speaking the vocabulary of ../README.md: this program only turns the words into kcat's options and its output
 * into JSON lines. kcat has one set of headers a run, so records are sent in runs of those that can share one, and tells
 * headers as text (`name=value,...`), so they come back as `headersText` instead of `headers`.
 */
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { base64, emit, Lacking, main, onTerminate, readRecords, runSteps } from './vocabulary.js'

const MAX_BUFFER = 1 << 28
const KEY_END = '\t'
const RECORD_END = '\n'

function kcat(args, input) {
  const { status, stdout, stderr, error } = spawnSync('kcat', args, { input, maxBuffer: MAX_BUFFER })
  if (error) throw error
  if (status !== 0) throw new Error(`kcat ended with ${status}: ${stderr}`)
  return stdout
}

/** Whether a record can be one line of standard input; if not, its value has to be a file of its own. */
const fitsLine = ({ key, value }) =>
  [key, value].every(bytes => !bytes?.includes(KEY_END) && !bytes?.includes(RECORD_END)) && value?.length !== undefined

/** What a kcat run has in common: its headers, whether there are keys, whether empty means null. */
const kindOf = ({ key, value, headers }) =>
  JSON.stringify([
    key === null,
    value === null,
    headers.map(([name, bytes]) => [name, bytes === null ? null : bytes.toString('latin1')]),
  ])

function* runsOf(records) {
  let run = []
  for (const record of records) {
    const alone = !fitsLine(record) && record.value !== null
    if (run.length > 0 && (alone || kindOf(record) !== kindOf(run[0]) || run.alone)) {
      yield run
      run = []
    }
    run.push(record)
    run.alone = alone
  }
  if (run.length > 0) yield run
}

function sendRun(options, run, folder) {
  const { key, value, headers } = run[0]
  const shared = [...options, ...(value === null ? ['-Z'] : [])]
  for (const [name, bytes] of headers) shared.push('-H', bytes === null ? name : `${name}=${bytes}`)
  if (run.alone) {
    const file = join(folder, 'value')
    writeFileSync(file, value)
    kcat([...shared, ...(key === null ? [] : ['-k', key.toString()]), file])
    return
  }
  const lines = run.flatMap(record => [
    ...(key === null ? [] : [record.key, Buffer.from(KEY_END)]),
    record.value ?? Buffer.alloc(0),
    Buffer.from(RECORD_END),
  ])
  kcat([...shared, '-D', '\\n', ...(key === null ? [] : ['-K', '\\t'])], Buffer.concat(lines))
}

async function produce({ bootstrap, batches, records }) {
  const all = readRecords(records)
  const folder = mkdtempSync(join(tmpdir(), 'kcat-'))
  for (const { topic, codec, acks, idempotent } of batches) {
    const properties = {
      acks,
      'enable.idempotence': idempotent,
      'message.max.bytes': 1048576,
      'compression.codec': codec,
    }
    const options = ['-P', '-b', bootstrap, '-t', topic]
    for (const [name, value] of Object.entries(properties)) options.push('-X', `${name}=${value}`)
    try {
      for (const run of runsOf(all)) sendRun(options, run, folder)
      emit({ topic, done: all.length })
    } catch (error) {
      emit({ topic, error: error.message })
    }
  }
  rmSync(folder, { recursive: true })
}

/** Reads the output of `-f` back: a line of numbers, then as many bytes as they say, then the headers to the line's end. */
function* parse(output) {
  let at = 0
  const line = () => {
    const end = output.indexOf(RECORD_END, at)
    const bytes = output.subarray(at, end)
    at = end + 1
    return bytes
  }
  const bytes = length => {
    if (length < 0) return null
    at += length
    return output.subarray(at - length, at)
  }
  while (at < output.length) {
    const [partition, offset, timestamp, keyLength, valueLength] = line().toString().split(' ').map(Number)
    const key = bytes(keyLength)
    const value = bytes(valueLength)
    yield { partition, offset, timestamp, key: base64(key), value: base64(value), headersText: base64(line()) }
  }
}

function consume({ bootstrap, topics }) {
  for (const topic of topics) {
    const options = ['-C', '-q', '-b', bootstrap, '-t', topic, '-o', 'beginning', '-e', '-X', 'fetch.wait.max.ms=100']
    for (const record of parse(kcat([...options, '-f', '%p %o %T %K %S\\n%k%s%h\\n']))) emit({ topic, ...record })
  }
}

function member({ bootstrap, group, topic, sessionMs }) {
  const properties = {
    'session.timeout.ms': sessionMs,
    'heartbeat.interval.ms': sessionMs / 10,
    'auto.offset.reset': 'earliest',
    'auto.commit.interval.ms': 100,
    'fetch.wait.max.ms': 200,
  }
  const options = Object.entries(properties).flatMap(([name, value]) => ['-X', `${name}=${value}`])
  const child = spawn('kcat', ['-b', bootstrap, ...options, '-u', '-f', '%p %o %s\\n', '-G', group, topic])
  child.on('exit', code => process.exit(code ?? 1))
  createInterface(child.stdout).on('line', text => {
    const [partition, offset, value] = text.split(' ')
    emit({ event: 'record', partition: Number(partition), offset: Number(offset), value: base64(value) })
  })
  createInterface(child.stderr).on('line', text => {
    console.error(text)
    if (!/rebalanced/.test(text)) return
    const held = /assigned: (.*)/.exec(text)?.[1] ?? ''
    emit({ event: 'assigned', partitions: [...held.matchAll(/\[(\d+)\]/g)].map(match => Number(match[1])) })
  })
  onTerminate(() => {
    child.kill('SIGTERM')
    return new Promise(resolve => child.once('exit', resolve))
  })
}

function admin({ bootstrap, steps }) {
  // Always all topics: to list one that is not there would create it.
  const list = () => JSON.parse(kcat(['-L', '-J', '-b', bootstrap]))
  const partitionsOf = topic => list().topics.find(t => t.topic === topic).partitions
  return runSteps(steps, {
    'list-topics': () =>
      list()
        .topics.map(t => t.topic)
        .sort(),
    'describe-topic': ({ topic }) =>
      partitionsOf(topic).map(({ partition, leader, replicas, isrs }) => ({
        partition,
        leader,
        replicas: replicas.map(r => r.id),
        isr: isrs.map(r => r.id),
      })),
    'list-offsets': ({ topic, at }) => {
      if (at === 'max-timestamp') throw new Lacking('its librdkafka asks with a version that has no such word')
      const timestamp = { earliest: -2, latest: -1 }[at] ?? at
      const wanted = partitionsOf(topic).flatMap(({ partition }) => ['-t', `${topic}:${partition}:${timestamp}`])
      const lines = kcat(['-Q', '-b', bootstrap, ...wanted])
        .toString()
        .trim()
        .split('\n')
      return Object.fromEntries(lines.map(line => /\[(\d+)\] offset (-?\d+)/.exec(line).slice(1).map(Number)))
    },
    'describe-cluster': () => {
      const { brokers, controllerid } = list()
      const nodes = brokers.map(({ id, name }) => ({
        id,
        host: name.split(':')[0],
        port: Number(name.split(':')[1]),
      }))
      return { controller: controllerid, brokers: nodes }
    },
  })
}

await main({ produce, consume, member, admin })
