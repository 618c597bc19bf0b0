import {Flags} from '@oclif/core'
import {deleteProfile, keepsSomething, planProfileDeletion} from '../../lib/access/account/profiles.js'
import {profileArg, required} from '../../lib/command/args.js'
import {AccessCommand} from '../../lib/command/access-command.js'
import {sshConfigFlag, yesFlag} from '../../lib/command/flags.js'
import {profileUses} from '../../lib/command/present/ssh-config.js'
import {mark, style} from '../../lib/cli/streams.js'
import {profileNotFound, readConfig} from '../../lib/config/profiles.js'
import {writtenWithProfile} from '../../lib/tunnel/ssh/config/of-profile.js'

export default class ProfileDelete extends AccessCommand<typeof ProfileDelete> {
  static override summary = 'Delete a profile and its API token from this machine'
  static override description =
    'Nothing changes at Cloudflare: the API token and the service tokens remain valid. Fails if the profile has secrets of service tokens that no other profile here uses, unless --with-secrets is given. It cannot be undone.'
  static override examples = [
    '<%= config.bin %> profile delete staging',
    '<%= config.bin %> profile delete staging --with-secrets',
  ]
  static override args = {name: required(profileArg)}
  static override flags = {
    'with-secrets': Flags.boolean({description: 'also delete the secrets of its service tokens'}),
    file: sshConfigFlag,
    yes: yesFlag,
  }
  static override profile = 'ignored' as const

  async run(): Promise<object> {
    const {name} = this.args
    const {profiles} = await readConfig(this.settings.paths)
    const settings = await this.loadSettings(name)
    const ctx = this.access(settings)
    if (!settings.profileExists && !(await keepsSomething(ctx)))
      throw profileNotFound(name, Object.keys(profiles))
    const plan = await planProfileDeletion(ctx, {...settings, withSecrets: this.flags['with-secrets']})
    const {secrets, hosts} = plan
    if (!this.flags.yes) await this.confirmDeletion(name, secrets)
    const hadApiToken = await deleteProfile(ctx, settings, plan)
    this.print(`${mark.done} Deleted profile ${style.name(name)}`)
    if (secrets.length > 0) this.print(`  and the secrets of ${secrets.join(', ')}`)
    if (hadApiToken) this.note('its API token remains valid until you delete it in the dashboard')
    const {file} = this.flags
    const {hosts: sshHosts, where, next} = profileUses(writtenWithProfile(file, name), file)
    if (sshHosts.length > 0) {
      this.warn(`${where} uses the profile, and ssh no longer reaches: ${sshHosts.join(', ')}`)
      this.next(...next)
    }
    return {profile: name, apiTokenRemoved: hadApiToken, secretsDeleted: secrets, hosts, sshHosts}
  }

  private async confirmDeletion(name: string, secrets: string[]): Promise<void> {
    this.prompts.require('A confirmation', `zt profile delete ${name} --yes`)
    if (secrets.length === 0) return this.prompts.confirm(`Delete profile ${name}?`)
    this.warn(`This deletes the only secret here of: ${secrets.join(', ')}`)
    await this.prompts.confirmByTyping(`Type ${name} to delete the profile and these secrets`, name)
  }
}
