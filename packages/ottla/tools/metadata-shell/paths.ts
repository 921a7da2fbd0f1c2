/** Paths of the metadata shell, with `*`, `?` and `{a,b}` in them, and what they lead to. */
import { type Directory, type Node, sortedNames } from './nodes.ts'

export interface Found {
  readonly path: readonly string[]
  readonly node: Node
}

export function absolutePath({ path }: Found): string {
  return `/${path.join('/')}`
}

export function lastComponent({ path }: Found): string {
  return path.at(-1) ?? '/'
}

/** Of a path that may be relative, without `.`, `..` and empty ones. */
export function components(path: string, workingDirectory: string): string[] {
  const found: string[] = []
  const full = path.startsWith('/') ? path : `${workingDirectory}/${path}`
  for (const component of full.split('/')) {
    if (component === '..') found.pop()
    else if (component !== '' && component !== '.') found.push(component)
  }
  return found
}

/** In the order of their names; none: there is nothing. */
export function findNodes(root: Directory, workingDirectory: string, glob: string): Found[] {
  let found: Found[] = [{ path: [], node: root }]
  for (const component of components(glob, workingDirectory)) {
    const pattern = globPattern(component)
    found = found.flatMap(({ path, node }) => {
      if (node.kind !== 'directory') return []
      const names = pattern ? sortedNames(node).filter(name => pattern.test(name)) : [component]
      return names.flatMap(name => {
        const child = node.child(name)
        return child ? { path: [...path, name], node: child } : []
      })
    })
  }
  return found
}

/** null: it stands for itself, which is also so of one that is malformed. */
export function globPattern(glob: string): RegExp | null {
  let text = ''
  let isLiteral = true
  let isInGroup = false
  for (let i = 0; i < glob.length; i++) {
    const char = glob[i]!
    if (char === '\\' && i + 1 < glob.length) text += escaped(glob[++i]!)
    else if (char === '?' || char === '*') {
      isLiteral = false
      text += char === '?' ? '.' : '.*'
    } else if (char === '{') {
      if (isInGroup) return null
      isInGroup = true
      isLiteral = false
      text += '(?:'
    } else if (char === '}' && isInGroup) {
      isInGroup = false
      text += ')'
    } else if (char === ',' && isInGroup) text += '|'
    else text += escaped(char)
  }
  return isLiteral || isInGroup ? null : new RegExp(`^(?:${text})$`)
}

function escaped(char: string): string {
  return char.replace(/[$()+.[\]^{}|*?\\/]/, '\\$&')
}
