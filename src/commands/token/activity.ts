import {activityOf} from '../../lib/access/activity/activity.js'
import {tokenArg} from '../../lib/command/args.js'
import {sinceFlag, zoneFlag} from '../../lib/command/flags.js'
import {activityJson, activityText} from '../../lib/command/present/activity.js'
import {TokenCommand} from '../../lib/command/token-command.js'
import {exitCodeOf} from '../../lib/core/exit-codes.js'

export default class TokenActivity extends TokenCommand<typeof TokenActivity> {
  static override summary = 'Show what a service token was used for'
  static override description =
    "Counts the requests that Access let in and refused, by application and rule, by address and country, and by day, from Cloudflare's analytics. Cloudflare keeps them for 90 days. The exit code is 4 if the API token lacks the permission to read them, and 11 if they are not available for the account; the rest is shown."
  static override examples = [
    '<%= config.bin %> token activity gitlab-admin',
    '<%= config.bin %> token activity gitlab-admin --since 90d',
    '<%= config.bin %> token activity gitlab-admin --json',
  ]
  static override args = {token: tokenArg}
  static override flags = {since: sinceFlag('30d'), zone: zoneFlag}
  static override asks = {
    needs: ['listServiceTokens', 'accessEvents'],
    tries: ['listApplications', 'listPolicies', 'listZones'],
  } as const

  async run(): Promise<object> {
    const wanted = await this.chosenToken(this.args.token, 'zt token activity NAME')
    const activity = await activityOf(this.access(), wanted, this.flags.since)
    this.print(activityText(activity))
    const {unread, incomplete} = activity
    if (incomplete !== undefined) this.warn(incomplete)
    if (unread) {
      process.exitCode = exitCodeOf(unread)
      if (!this.jsonEnabled()) this.showError(unread)
    }
    return {...activityJson(activity), ...(unread && {error: this.errorJson(unread)})}
  }
}
