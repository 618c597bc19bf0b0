/**
 * The kinds of question that {@link Prompts} asks. The build packs these and no more: the library's editor brings
 * tables of every text encoding, more than all the others together.
 */
export {checkbox, confirm, input, password, select} from '@inquirer/prompts'
