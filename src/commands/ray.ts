import {Args} from '@oclif/core'
import {parseRay, requestOfRay} from '../lib/access/activity/ray.js'
import {AccessCommand} from '../lib/command/access-command.js'
import {sinceFlag} from '../lib/command/flags.js'
import {rayJson, rayText} from '../lib/command/present/activity.js'

export default class Ray extends AccessCommand<typeof Ray> {
  static override summary = 'Show what Access did with one request, by its CF-RAY'
  static override description =
    "Looks for the request in Cloudflare's analytics, and shows the application, the service token, the rule and the address, and what Access would answer to such a request today, as zt app explain does. A CF-RAY is in the header of that name, on an error page as Ray ID, and in a refusal of zt; the argument may be a line that contains it. Cloudflare keeps the requests for 90 days, as samples, and a new one appears after some minutes."
  static override examples = [
    '<%= config.bin %> ray 8f1e2d3c4b5a6978-AMS',
    '<%= config.bin %> ray "Ray ID: 8f1e2d3c4b5a6978"',
    '<%= config.bin %> ray 8f1e2d3c4b5a6978 --since 7d --json',
  ]
  static override args = {
    ray: Args.string({description: 'CF-RAY, or a line that contains it', required: true, ignoreStdin: true}),
  }
  static override flags = {since: sinceFlag('90d')}
  static override asks = {
    needs: ['accessEvents'],
    // prettier-ignore
    tries: [
      'listServiceTokens', 'listApplications', 'listApplicationPolicies', 'listPolicies', 'listGroups',
      'getOrganization', 'listZones',
    ],
  } as const

  async run(): Promise<object> {
    const found = await requestOfRay(this.access(), parseRay(this.args.ray), this.flags.since)
    this.print(rayText(found))
    return rayJson(found)
  }
}
