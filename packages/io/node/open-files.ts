/**
 * Which `DiskFile`s are open below which path: a rename or removal of a file or a directory has to find them, and must
 * not walk through the tens of thousands that it does not concern.
 */
import { dirname } from 'node:path'

interface Folder {
  readonly files: Set<NamedFile>
  readonly folders: Map<string, Folder>
}

export interface NamedFile {
  path: string
}

export class OpenFiles<File extends NamedFile> {
  /** By absolute path; a folder is there while a file below it is open. */
  readonly #folders = new Map<string, Folder>()

  add(file: File): void {
    this.#folder(dirname(file.path)).files.add(file)
  }

  delete(file: File): void {
    const path = dirname(file.path)
    this.#folders.get(path)?.files.delete(file)
    this.#prune(path)
  }

  /** The open files at `path`, or anywhere below it. */
  under(path: string): File[] {
    const found: NamedFile[] = []
    for (const file of this.#folders.get(dirname(path))?.files ?? []) if (file.path === path) found.push(file)
    const walk = (folder: Folder): void => {
      found.push(...folder.files)
      for (const inner of folder.folders.values()) walk(inner)
    }
    const folder = this.#folders.get(path)
    if (folder) walk(folder)
    return found as File[]
  }

  #folder(path: string): Folder {
    let folder = this.#folders.get(path)
    if (!folder) {
      folder = { files: new Set(), folders: new Map() }
      this.#folders.set(path, folder)
      const parent = dirname(path)
      if (parent !== path) this.#folder(parent).folders.set(path, folder)
    }
    return folder
  }

  #prune(path: string): void {
    const folder = this.#folders.get(path)
    if (!folder || folder.files.size > 0 || folder.folders.size > 0) return
    this.#folders.delete(path)
    const parent = dirname(path)
    if (parent === path) return
    this.#folders.get(parent)?.folders.delete(path)
    this.#prune(parent)
  }
}
