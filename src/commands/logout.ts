import {logout} from '../lib/access/account/session.js'
import {AccessCommand} from '../lib/command/access-command.js'

export default class Logout extends AccessCommand<typeof Logout> {
  static override summary = "Remove a profile's API token from its store"
  static override description =
    'Service tokens and their secrets stay. The API token itself remains valid: delete it in the dashboard.'
  static override examples = ['<%= config.bin %> logout', '<%= config.bin %> logout --profile production']

  async run(): Promise<object> {
    const {profileName: profile, apiTokenStore} = this.settings
    const removed = await logout(this.access(), apiTokenStore)
    this.print(
      removed ? `Removed the API token of profile ${profile}.` : `Profile ${profile} has no API token.`,
    )
    if (this.settings.environmentApiToken) this.warn('CLOUDFLARE_API_TOKEN is set, and zt still uses it')
    return {profile, removed}
  }
}
