import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import type {Clock} from '../../src/lib/core/clock.js'
import type {JsonObject} from '../../src/lib/core/json.js'
import {startSandboxApi, type Exchange} from '../../src/lib/sandbox/api/server.js'
import {SandboxState} from '../../src/lib/sandbox/state.js'
import type {SandboxSeed} from '../../src/lib/sandbox/types.js'

/** An answer of the sandbox's API: `code` and `message` are those of its first error. */
export interface SandboxAnswer {
  status: number
  code: number | undefined
  message: string | undefined
  result: JsonObject
}

/** The sandbox's API in this process, asked without any client. */
export class SandboxApi {
  readonly exchanges: Exchange[] = []

  private constructor(
    readonly state: SandboxState,
    private readonly folder: string,
  ) {}

  /** The base URL. */
  url = ''
  close = (): Promise<void> => Promise.resolve()

  static async open(seed: SandboxSeed, clock?: Clock): Promise<SandboxApi> {
    const folder = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-sandbox-api-'))
    const state = await SandboxState.open({file: path.join(folder, 'state.json'), seed, clock})
    const api = new SandboxApi(state, folder)
    const served = await startSandboxApi({state, onExchange: (exchange) => api.exchanges.push(exchange)})
    api.url = served.url
    api.close = async () => {
      await served.close()
      await fs.rm(api.folder, {recursive: true, force: true})
    }
    return api
  }

  /** The path of the account's Access objects; with a zone's ID, of the zone's. */
  access(zone?: string): string {
    return `/${zone === undefined ? `accounts/${this.state.accountId}` : `zones/${zone}`}/access`
  }

  /** Sends a request. A path that does not begin with `/accounts`, `/user` or `/zones` is below `access()`. */
  async call(
    method: string,
    where: string,
    {body, token = this.state.apiToken}: {body?: unknown; token?: string} = {},
  ): Promise<SandboxAnswer> {
    const whole = /^\/(accounts|user|zones)\b/.test(where) ? where : this.access() + where
    const answer = await fetch(this.url + whole, {
      method,
      headers: {authorization: `Bearer ${token}`, 'content-type': 'application/json'},
      ...(body !== undefined && {body: JSON.stringify(body)}),
    })
    const {result, errors} = (await answer.json()) as {
      result: JsonObject
      errors: {code: number; message: string}[]
    }
    return {status: answer.status, code: errors[0]?.code, message: errors[0]?.message, result}
  }
}
