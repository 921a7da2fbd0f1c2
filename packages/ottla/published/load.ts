/**
 * Loads the bundle of the published package, with the code that V8 has made of it in an earlier run. V8 compiles a
 * function when it is first called, and Node's own cache has only what is compiled before that: of a broker's start it
 * was a fifth. Whoever may change files in the folders that this uses may change what Node runs anyway;
 * NODE_DISABLE_COMPILE_CACHE=1 turns it off.
 *
 * Node's own modules are asked for, and not imported: an import reads all that they export, which loads others, of streams and
 * of web cryptography, that nobody needs: 10 ms.
 */
const { hash } = process.getBuiltinModule('node:crypto')
const { mkdirSync, readFileSync, renameSync, unlinkSync, writeFileSync } = process.getBuiltinModule('node:fs')
const { createRequire } = process.getBuiltinModule('node:module')
const { dirname, join } = process.getBuiltinModule('node:path')
const { constants, Script } = process.getBuiltinModule('node:vm')
const { crc32 } = process.getBuiltinModule('node:zlib')

export type Bundle = typeof import('./bundle.ts')

export interface Loaded {
  readonly bundle: Bundle
  /** Keeps the code of all that has run by now, unless what was kept before is used. May be called again. */
  readonly keep: () => void
}

const BUNDLE = join(import.meta.dirname, 'main.cjs')
const CRC_BYTES = 4

/** `use`: of which functions run, code is kept for each. `folder`: where; null: it is compiled as any module. */
export function load(use: 'start' | 'client' | 'library', folder: string | null): Loaded {
  const require = createRequire(BUNDLE)
  if (folder === null) return { bundle: require(BUNDLE) as Bundle, keep: () => {} }
  const source = readFileSync(BUNDLE)
  // V8 knows its own version and flags, but of the source no more than the length.
  const digest = hash('sha256', source).slice(0, 32)
  const path = join(folder, `ottla-${use}-${process.version}-${process.arch}-${digest}`)
  const cachedData = readCode(path)
  const script = new Script(`(function (exports, require, module, __filename, __dirname) {${source}\n})`, {
    filename: BUNDLE,
    cachedData,
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  })
  const module = { exports: {} as Bundle }
  script.runInThisContext()(module.exports, require, module, BUNDLE, dirname(BUNDLE))
  let isKept = cachedData !== undefined && !script.cachedDataRejected
  const keep = () => {
    if (!isKept) writeCode(path, script.createCachedData())
    isKept = true
  }
  return { bundle: module.exports, keep }
}

/** Undefined: there is none, or not all of it. */
function readCode(path: string): Buffer | undefined {
  let bytes: Buffer
  try {
    bytes = readFileSync(path)
  } catch {
    return undefined // `keep` makes one
  }
  if (bytes.length < CRC_BYTES) return undefined
  const code = bytes.subarray(CRC_BYTES)
  return crc32(code) === bytes.readUInt32BE(0) ? code : undefined
}

function writeCode(path: string, code: Buffer): void {
  const crc = Buffer.alloc(CRC_BYTES)
  crc.writeUInt32BE(crc32(code))
  const partial = `${path}.${process.pid}`
  try {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(partial, Buffer.concat([crc, code]), { mode: 0o600 })
    renameSync(partial, path)
  } catch {
    // A folder that is full, or nobody's to write to: the next start takes as long as this one.
    tryToRemove(partial)
  }
}

function tryToRemove(path: string): void {
  try {
    unlinkSync(path)
  } catch {
    // It was never there.
  }
}
