/** Documents grow old where nothing reads them: what they link to is there, and so is each file that a package's README names. */
import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { test } from 'node:test'

const ROOT = dirname(import.meta.dirname)
const pages = globSync(['*.md', '{docs,examples,packages,test}/**/*.md'], {
  cwd: ROOT,
  exclude: path => /node_modules|\/dist\//.test(path),
})
const LINK = /\]\(([^)#\s]+)(?:#[^)]*)?\)/g
const FILE_NAME = /(?<![\w/.*-])((?:[\w-]+\/)*[\w-]+\.(?:test\.)?(?:ts|js|sh))\b/g

test('links lead somewhere', () => {
  const broken = pages.flatMap(page => {
    const targets = [...readFileSync(join(ROOT, page), 'utf8').matchAll(LINK)].map(match => match[1]!)
    return targets
      .filter(target => !/^[a-z]+:/.test(target) && !existsSync(join(ROOT, dirname(page), target)))
      .map(target => `${page}: ${target}`)
  })
  assert.deepEqual(broken, [])
})

test("files that packages' READMEs and decisions name are there", () => {
  const all = globSync('{packages,test,scripts,examples,docs}/**/*.{ts,js,sh}', {
    cwd: ROOT,
    exclude: path => path.includes('node_modules'),
  })
  const names = new Set(all.map(path => basename(path)))
  const missing = pages
    .filter(page => /^packages\/|^docs\/decisions\/|^ARCHITECTURE/.test(page))
    .flatMap(page => {
      const named = [...readFileSync(join(ROOT, page), 'utf8').matchAll(FILE_NAME)].map(match => match[1]!)
      const isThere = (name: string): boolean =>
        name.includes('/') ? all.some(path => path === name || path.endsWith(`/${name}`)) : names.has(name)
      return named.filter(name => !isThere(name)).map(name => `${page}: ${name}`)
    })
  assert.deepEqual(missing, [])
})
