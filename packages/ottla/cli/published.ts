/**
 * Entry of the published command, whose modules are one bundle (scripts/bundle.ts). V8 compiles a function when it is
 * first called; that was a third of what `ottla start` took after Node itself. What it has made in an earlier run is kept
 * beside Node's own compile cache, which has only what is compiled before the first call. Whoever may change files there
 * may change what Node runs anyway; NODE_DISABLE_COMPILE_CACHE=1 turns off both.
 */
import { hash } from 'node:crypto'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createRequire, getCompileCacheDir } from 'node:module'
import { dirname, join } from 'node:path'
import { constants, Script } from 'node:vm'
import { crc32 } from 'node:zlib'

const BUNDLE = join(import.meta.dirname, 'main.cjs')
/** By then a broker has started, and has all that it needs for it. */
const KEEP_AFTER_MS = 2000
const CRC_BYTES = 4

export async function main(args: readonly string[]): Promise<void> {
  const source = readFileSync(BUNDLE)
  const cache = cacheFile(source, args)
  const cachedData = cache === null ? undefined : readCache(cache)
  const script = new Script(`(function (exports, require, module, __filename, __dirname) {${source}\n})`, {
    filename: BUNDLE,
    cachedData,
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  })
  if (cache !== null && (!cachedData || script.cachedDataRejected)) keepCode(script, cache)
  const module = { exports: {} as { main: typeof main } }
  script.runInThisContext()(module.exports, createRequire(BUNDLE), module, BUNDLE, dirname(BUNDLE))
  await module.exports.main(args)
}

/** One for the broker, and one for the commands that ask one; V8 itself tells apart only sources of different length. */
function cacheFile(source: Uint8Array, args: readonly string[]): string | null {
  const folder = getCompileCacheDir?.()
  if (!folder) return null
  const kind = args[0] === 'start' ? 'start' : 'client'
  return join(folder, `ottla-${kind}-${hash('sha256', source).slice(0, 32)}`)
}

/** Undefined: there is none, or not all of it. */
function readCache(path: string): Buffer | undefined {
  let bytes: Buffer
  try {
    bytes = readFileSync(path)
  } catch {
    return undefined // of which `keepCode` makes one
  }
  if (bytes.length < CRC_BYTES) return undefined
  const data = bytes.subarray(CRC_BYTES)
  return crc32(data) === bytes.readUInt32BE(0) ? data : undefined
}

function keepCode(script: Script, path: string): void {
  let isKept = false
  const keep = () => {
    if (isKept) return
    isKept = true
    const crc = Buffer.alloc(CRC_BYTES)
    const data = script.createCachedData()
    crc.writeUInt32BE(crc32(data))
    const partial = `${path}.${process.pid}`
    try {
      writeFileSync(partial, Buffer.concat([crc, data]), { mode: 0o600 })
      renameSync(partial, path)
    } catch {
      // A folder that is full, or gone: the next start takes as long as this one.
    }
  }
  setTimeout(keep, KEEP_AFTER_MS).unref()
  process.once('exit', keep)
}
