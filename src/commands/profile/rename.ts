import {finishRenaming, renameWholeProfile} from '../../lib/access/account/profiles.js'
import {newNameArg, profileArg, required} from '../../lib/command/args.js'
import {AccessCommand} from '../../lib/command/access-command.js'
import {sshConfigFlag} from '../../lib/command/flags.js'
import {profileUses} from '../../lib/command/present/ssh-config.js'
import {mark, style} from '../../lib/cli/streams.js'
import {profileNotFound, readConfig, refuseTaken} from '../../lib/config/profiles.js'
import {renameInRecords} from '../../lib/tunnel/connections/read.js'
import {writtenWithProfile} from '../../lib/tunnel/ssh/config/of-profile.js'

export default class ProfileRename extends AccessCommand<typeof ProfileRename> {
  static override summary = 'Give a profile another name'
  static override description =
    'Its API token, secrets, bound hosts and undo records stay with it. What names the profile elsewhere must be changed by hand: .zt.json and ZT_PROFILE, and what zt wrote into an ssh configuration, which it lists.'
  static override examples = ['<%= config.bin %> profile rename default production']
  static override args = {name: required(profileArg), new: required(newNameArg('profile'))}
  static override flags = {file: sshConfigFlag}
  static override profile = 'ignored' as const

  async run(): Promise<object> {
    const {name, new: to} = this.args
    const {profiles} = await readConfig(this.settings.paths)
    // It was interrupted when the profile had its new name.
    const begun = profiles[to]?.renamedFrom === name
    if (!begun) {
      if (!Object.hasOwn(profiles, name)) throw profileNotFound(name, Object.keys(profiles))
      refuseTaken(to, {profiles})
    }
    const settings = await this.loadSettings(begun ? to : name)
    const ctx = this.access(settings)
    const {tokens, hosts} = await (begun
      ? finishRenaming(ctx, settings)
      : renameWholeProfile(ctx, settings, to))
    renameInRecords(settings.paths.state, name, to)
    this.print(`${mark.done} Profile ${style.name(name)} is now ${style.name(to)}`)
    const {profileName, profileSource} = this.settings
    if (profileName === name && profileSource !== 'profile' && profileSource !== 'default')
      this.warn(`The ${profileSource} still selects profile ${name} here`)
    const {file} = this.flags
    const {hosts: sshHosts, where, next} = profileUses(writtenWithProfile(file, name), file, to)
    if (sshHosts.length > 0) {
      this.warn(`${where} still names the profile ${name}, and ssh no longer reaches: ${sshHosts.join(', ')}`)
      this.next(...next)
    }
    return {profile: to, previousName: name, tokens, hosts, sshHosts}
  }
}
