import path from 'node:path'
import {files as fs} from '../../system/disk.js'
import {searchDirectories} from '../../system/platform.js'

const PREFIX = 'docker-credential-'
/** The names of helpers that zt takes: what is safe in a file name and on a command line. */
export const HELPER_NAME = /^[a-z0-9][a-z0-9-]{0,63}$/

/**
 * Helpers that make credentials for a registry and keep none: gcloud ignores `store`, ecr-login refuses it (their sources). Asking
 * gcloud for a list writes files of its own.
 */
const KEEPS_NOTHING = new Set(['gcloud', 'ecr-login'])

/** The platform, and how a program is recognised; tests give both. */
interface Search {
  platform?: NodeJS.Platform | undefined
  isProgram?: ((file: string) => Promise<boolean>) | undefined
}

/**
 * The program `docker-credential-NAME`: the first on PATH that can be run. On Windows only `.exe`: a batch file gets its
 * arguments and input through cmd.exe, and node does not start one (CVE-2024-27980).
 */
export async function findHelper(
  name: string,
  searchPath: string | undefined,
  {platform = process.platform, isProgram = isProgramFile}: Search = {},
): Promise<string | undefined> {
  const windows = platform === 'win32'
  const {join} = windows ? path.win32 : path.posix
  for (const directory of searchDirectories(searchPath, platform)) {
    const file = join(directory, `${PREFIX}${name}${windows ? '.exe' : ''}`)
    if (await isProgram(file)) return file
  }
  return undefined
}

/** The names of all helpers on PATH that can keep secrets, sorted. */
export async function helperNames(
  searchPath: string | undefined,
  {platform = process.platform, isProgram = isProgramFile}: Search = {},
  filesIn: (directory: string) => Promise<string[]> = (directory) => fs.readdir(directory),
): Promise<string[]> {
  const {join} = platform === 'win32' ? path.win32 : path.posix
  const found = await Promise.all(
    searchDirectories(searchPath, platform).map(async (directory) => {
      const files = await filesIn(directory).catch(() => [])
      const helpers = files.flatMap((file) => {
        const name = nameOf(file, platform)
        return name !== undefined && HELPER_NAME.test(name) && !KEEPS_NOTHING.has(name) ? [{file, name}] : []
      })
      const programs = await Promise.all(helpers.map(({file}) => isProgram(join(directory, file))))
      return helpers.filter((_, at) => programs[at]).map(({name}) => name)
    }),
  )
  return [...new Set(found.flat())].sort()
}

/** Undefined for what {@link findHelper} would not find, such as the helpers of the surrounding Windows in WSL. */
function nameOf(file: string, platform: NodeJS.Platform): string | undefined {
  const whole = platform === 'win32' ? file.toLowerCase() : file
  if (!whole.startsWith(PREFIX)) return undefined
  const name = whole.slice(PREFIX.length)
  if (platform !== 'win32') return name
  return name.endsWith('.exe') ? name.slice(0, -'.exe'.length) : undefined
}

async function isProgramFile(file: string): Promise<boolean> {
  try {
    await fs.access(file, fs.constants.X_OK)
    return (await fs.stat(file)).isFile()
  } catch {
    return false
  }
}
