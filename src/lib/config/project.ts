import path from 'node:path'
import * as v from 'valibot'
import {brokenFile, parseOwnJson, readFileIfThere} from '../core/files.js'
import {firstFault} from '../core/schema.js'

const PROJECT_FILE = '.zt.json'

/**
 * A project names a profile and an account, and nothing else. A repository that is cloned must not be able to say
 * where an API token or a client secret is sent, so addresses and stores are refused here, loudly.
 */
const projectSchema = v.strictObject({
  profile: v.optional(v.string()),
  account: v.optional(v.string()),
})

export interface ProjectSettings {
  file: string
  profile?: string | undefined
  account?: string | undefined
}

/** The nearest `.zt.json` in this directory or above it. */
export async function findProject(cwd: string): Promise<ProjectSettings | undefined> {
  for (let directory = path.resolve(cwd); ; directory = path.dirname(directory)) {
    const file = path.join(directory, PROJECT_FILE)
    const text = await readFileIfThere(file)
    if (text !== undefined) {
      const parsed = v.safeParse(projectSchema, parseOwnJson(text, file))
      if (parsed.success) return {file, ...parsed.output}
      throw brokenFile(file, `${firstFault(parsed.issues)}; a project may name "profile" and "account" only`)
    }
    if (directory === path.dirname(directory)) return undefined
  }
}
