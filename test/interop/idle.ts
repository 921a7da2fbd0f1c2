/**
 * A process of its own that holds many idle connections: `idle.ts HOST:PORT COUNT`. It prints how many it has opened, and
 * for every line on its standard input on how many of them the broker still answers; it ends when its input does.
 */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { apiVersions } from './wire.ts'

const [address, count] = [process.argv[2]!, Number(process.argv[3])]
const [host, port] = address.split(':')
/** Fewer than the backlog of 50 that a broker has by default. */
const AT_ONCE = 40
const sockets: Socket[] = []

async function openOne(): Promise<void> {
  const socket = connect(Number(port), host)
  socket.on('error', () => {}) // counted by what is open, and by what answers
  await Promise.race([once(socket, 'connect'), once(socket, 'close')])
  // The kernel connects before the broker accepts: only an answer tells that there is room for the next.
  if (await answered(socket)) sockets.push(socket)
}

async function answered(socket: Socket): Promise<boolean> {
  if (socket.destroyed) return false
  const answer = Promise.race([once(socket, 'data').then(() => true), once(socket, 'close').then(() => false)])
  socket.write(apiVersions(1))
  return await answer
}

for (let opened = 0; opened < count; opened += AT_ONCE) {
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - opened) }, openOne))
}
console.log(JSON.stringify({ open: sockets.length }))
for await (const _ of createInterface(process.stdin)) {
  let total = 0
  for (let i = 0; i < sockets.length; i += AT_ONCE) {
    const some = await Promise.all(sockets.slice(i, i + AT_ONCE).map(answered))
    total += some.filter(Boolean).length
  }
  console.log(JSON.stringify({ answered: total }))
}
process.exit(0)
