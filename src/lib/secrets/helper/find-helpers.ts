import fs from 'node:fs/promises'
import path from 'node:path'
import {isKeepingStoreKind} from '../../core/store-kind.js'

const PREFIX = 'docker-credential-'

/**
 * The program `docker-credential-NAME`: the first on PATH that can be run. Entries of PATH that are not absolute say
 * something else in every directory, so they are not looked into.
 */
export async function findHelper(name: string, searchPath: string | undefined): Promise<string | undefined> {
  for (const directory of directories(searchPath)) {
    for (const ending of endings()) {
      const file = path.join(directory, `${PREFIX}${name}${ending}`)
      if (await isProgram(file)) return file
    }
  }
  return undefined
}

/** The names of all helpers on PATH, sorted. */
export async function helperNames(searchPath: string | undefined): Promise<string[]> {
  const found = await Promise.all(
    directories(searchPath).map(async (directory) => {
      const files = await fs.readdir(directory).catch(() => [])
      const names = files.filter((file) => file.startsWith(PREFIX))
      const programs = await Promise.all(names.map((file) => isProgram(path.join(directory, file))))
      return names
        .filter((_, at) => programs[at])
        .map((file) => file.slice(PREFIX.length).replace(/\.exe$/i, ''))
        .filter((name) => isKeepingStoreKind(`helper:${name}`))
    }),
  )
  return [...new Set(found.flat())].sort()
}

function directories(searchPath: string | undefined): string[] {
  return [...new Set((searchPath ?? '').split(path.delimiter))].filter((one) => path.isAbsolute(one))
}

function endings(): string[] {
  return process.platform === 'win32' ? ['.exe'] : ['']
}

async function isProgram(file: string): Promise<boolean> {
  try {
    await fs.access(file, fs.constants.X_OK)
    return (await fs.stat(file)).isFile()
  } catch {
    return false
  }
}
