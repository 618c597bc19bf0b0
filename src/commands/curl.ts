import {Args} from '@oclif/core'
import {connectionTokenFlag, edgeFlags, yesFlag} from '../lib/command/flags.js'
import {TunnelCommand} from '../lib/command/tunnel-command.js'
import {completing} from '../lib/cli/completing.js'
import {checkUrl, factsOf, readCurlArguments} from '../lib/tunnel/curl/arguments.js'
import {curlWithToken} from '../lib/tunnel/curl/curl.js'
import {curlOption} from '../lib/tunnel/curl/options.js'
import {endLike} from '../lib/tunnel/exec/child.js'
import {edgeFailed, refusedConnection} from '../lib/tunnel/failure/connection.js'
import {RefusedError} from '../lib/tunnel/failure/refusal.js'
import {onlyPreviousText} from '../lib/tunnel/target/target.js'

/** CURLE_COULDNT_CONNECT (curl.se/libcurl/c/libcurl-errors.html). */
const COULD_NOT_CONNECT = 7

export default class Curl extends TunnelCommand<typeof Curl> {
  static override summary = 'Request a URL behind Access with curl and a service token'
  static override description =
    "Runs the system's curl, without .curlrc, and adds the two headers of the service token bound to the host. The headers appear in no argument and in no file. Put options for curl after --. Options that could send the headers to another host or print them (-L, -k, -v and others) are refused. The exit code is that of curl, or 10 if Access refused the token."
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
  static override jsonOutput = 'stderr' as const
  static override behindDashes = {what: 'CURL-OPTION', are: 'options', program: 'curl'} as const
  protected override optionBehindDashes = curlOption

  async run(): Promise<object> {
    const request = checkUrl(this.args.url)
    const given = readCurlArguments(this.rest)
    const {host, path} = request
    const target = await this.findTarget(host, {path})
    let previousUntil: string | null = null
    const onlyPrevious = (until: string): void => this.note(onlyPreviousText(target, (previousUntil = until)))
    const {env, stdout, stderr} = process
    const call = {request, given, target, env, stdout, stderr, onlyPrevious}
    const end = await curlWithToken(call)
    const {answer} = end
    if (answer && (answer.by !== 'service' || answer.reason === 'origin-down')) {
      const refused = new RefusedError(host, answer)
      const explained = await this.explain(target, refused, factsOf(request, given))
      if (answer.by !== 'service') throw explained
      if (explained !== refused) this.note(explained.why ?? explained.message)
    }
    if (answer?.reason === 'redirect' && answer.location !== undefined)
      this.note(`HTTP ${answer.status}: zt does not follow the redirect to ${answer.location}`)
    // curl has only said that it could not connect.
    if (end.exitCode === COULD_NOT_CONNECT && this.settings.sandbox)
      this.showError(edgeFailed(target.edge, 'connect', refusedConnection()))
    this.afterResult(() => endLike(end))
    const token = {id: target.tokenId, name: target.name}
    const {exitCode, signal = null} = end
    return {host, token, status: answer?.status ?? null, previousUntil, exitCode, signal}
  }
}
