import {Args} from '@oclif/core'
import {explainAnswer} from '../lib/command/explain-answer.js'
import {connectionTokenFlag, edgeFlags, yesFlag} from '../lib/command/flags.js'
import {onlyPreviousText} from '../lib/command/present/forward-events.js'
import {targetOptions} from '../lib/command/target-options.js'
import {TunnelCommand} from '../lib/command/tunnel-command.js'
import {completing} from '../lib/cli/completing.js'
import {errJson} from '../lib/cli/streams.js'
import {checkUrl, readCurlArguments} from '../lib/tunnel/curl/arguments.js'
import {curlWithToken} from '../lib/tunnel/curl/curl.js'
import {endLike} from '../lib/tunnel/exec/child.js'
import {chooseToken, findTarget} from '../lib/tunnel/target/target.js'

export default class Curl extends TunnelCommand<typeof Curl> {
  static override summary = 'Request a URL behind Access with curl and a service token'
  static override description =
    "Runs the system's curl, without .curlrc, and adds the two headers of the service token bound to the host. They are in no argument and no file. Put options for curl after --. Options that could send the headers to another host or print them (-L, -k, -v and others) are refused. The exit code is that of curl, or 10 if Access refused the token."
  static override examples = [
    '<%= config.bin %> curl https://grafana.example.com/api/health',
    '<%= config.bin %> curl https://api.example.com/items -- --json @- < item.json',
    '<%= config.bin %> curl https://api.example.com/ --token ci --yes -- -sS -o answer.html',
  ]
  static override args = {
    url: completing(
      'url',
      Args.string({description: 'https://HOST/PATH', required: true, ignoreStdin: true}),
    ),
  }
  static override flags = {
    token: connectionTokenFlag,
    yes: yesFlag,
    ...edgeFlags,
  }

  async run(): Promise<object> {
    const request = checkUrl(this.args.url)
    const given = readCurlArguments(this.rest)
    const {host} = request
    const wanted = {settings: this.settings, host, token: this.flags.token}
    const chosen = await chooseToken(wanted)
    if (!chosen.bound && !this.flags.yes) await this.confirmToken(chosen.name, host)
    const options = targetOptions(this.settings, this.prompts)
    const target = await findTarget({...wanted, ...options, allowUnbound: true})
    let previousUntil: string | null = null
    const onlyPrevious = (until: string): void => this.note(onlyPreviousText((previousUntil = until)))
    const end = await curlWithToken({
      ...{request, given, target, env: process.env, stderr: process.stderr, onlyPrevious},
    })
    const {answer} = end
    const refusal = answer?.refusal
    if (answer && answer.by !== 'nobody') {
      const {clientId} = target.credentials
      const call = {host, path: request.path, tokenId: target.tokenId, clientId, judgement: answer}
      throw (await explainAnswer(this.access(), call)).error
    }
    if (refusal?.reason === 'redirect' && refusal.location !== undefined)
      this.note(`HTTP ${refusal.status}: it points to ${refusal.location}, and is not followed`)
    endLike(end)
    const token = {id: target.tokenId, name: target.name}
    const {exitCode, signal = null} = end
    return {host, token, status: refusal?.status ?? null, previousUntil, exitCode, signal}
  }

  /** stdout belongs to curl. */
  override logJson(json: unknown): void {
    errJson(JSON.stringify(json, null, 2))
  }
}
