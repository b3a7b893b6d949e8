/** The providers by whose API mail can be sent, as a search names them. test/console/budget.test.ts compares it with the lab's. */
export const providerNames = ['ses', 'sendgrid', 'postmark', 'mailgun', 'resend', 'brevo', 'mailjet', 'graph', 'gmail']
