/** The actions that a report can state. RFC 3464 section 2.3.3. */
export type ReportAction = 'failed' | 'delayed' | 'delivered' | 'relayed' | 'expanded'

/** The forms of reports about delivery: the standard, and the forms of well-known servers. */
export const reportForms = ['standard', 'postfix', 'exim', 'exchange2003', 'microsoft365', 'gmail', 'qmail'] as const
export type ReportForm = (typeof reportForms)[number]

/** The reasons for a recipient's complaint. RFC 5965 section 7.3, RFC 6430. */
export const feedbackTypes = ['abuse', 'fraud', 'virus', 'other', 'not-spam'] as const
export type FeedbackType = (typeof feedbackTypes)[number]

/** The forms of out-of-office replies: the standard, and the forms of well-known servers. */
export const replyForms = ['standard', 'microsoft365', 'gmail'] as const
export type ReplyForm = (typeof replyForms)[number]
