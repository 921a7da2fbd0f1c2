/** What the metadata shell walks through: directories that have their children by name, and files of one line. */

export interface Directory {
  readonly kind: 'directory'
  /** In no order. */
  names(): Iterable<string>
  child(name: string): Node | null
}

export interface File {
  readonly kind: 'file'
  text(): string
}

export type Node = Directory | File

export function file(text: () => string): File {
  return { kind: 'file', text }
}

/** Of few children, whose names are known. */
export function directory(children: Readonly<Record<string, () => Node>>): Directory {
  return {
    kind: 'directory',
    names: () => Object.keys(children),
    child: name => (Object.hasOwn(children, name) ? children[name]!() : null),
  }
}

/** `order` of Java's strings: by their UTF-16 units. */
export function sortedNames(node: Directory): string[] {
  return [...node.names()].sort()
}
