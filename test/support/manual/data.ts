import {execFile} from 'node:child_process'
import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import {promisify} from 'node:util'
import {parseAllDocuments} from 'yaml'
import {messageOf} from '../../../src/lib/core/errors.js'
import type {Data, Page} from './parse.js'

/** What is wrong with the blocks of a page that are data. */
export async function checkData({name, data}: Page): Promise<string[]> {
  const found = await Promise.all(
    data.map(async (one) => {
      const wrong = await CHECKS[one.language](one.text).catch(messageOf)
      return wrong === undefined ? [] : [`${name}:${one.line}: no ${one.language}: ${wrong}`]
    }),
  )
  return found.flat()
}

type Check = (text: string) => Promise<string | undefined>

const CHECKS: Record<Data['language'], Check> = {
  json: async (text) => void JSON.parse(text),
  jsonl: async (text) => {
    for (const line of text.trim().split('\n')) JSON.parse(line)
    return undefined
  },
  yaml: async (text) => parseAllDocuments(text).flatMap(({errors}) => errors)[0]?.message,
  ini: async (text) => {
    const line = text.split('\n').find((one) => !/^\s*(?:[#;].*|\[[^\]]+\]|[^=[\]]+=.*)?$/.test(one))
    return line === undefined ? undefined : `neither a section nor a setting: ${line}`
  },
  'ssh-config': async (text) => {
    const folder = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-ssh-config-'))
    try {
      await fs.writeFile(path.join(folder, 'config'), text)
      await promisify(execFile)('ssh', ['-G', '-F', path.join(folder, 'config'), 'host.example'])
      return undefined
    } catch (error) {
      return (error as {stderr?: string}).stderr ?? messageOf(error)
    } finally {
      await fs.rm(folder, {recursive: true})
    }
  },
}
