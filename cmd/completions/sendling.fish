# Completions for sendling and its commands in fish(1). What is asked of
# sendling itself connects nowhere and runs no command. tests/completions.t
# holds it against the program.

# The program that was typed, with the configuration that was named.
function __sendling_ask
    set -l words (commandline -opc)
    set -l program $words[1]
    set -l config
    string match -q 'sendling*' (basename -- $program); or set program sendling
    for i in (seq 2 (count $words))
        switch $words[$i]
            case -C --config
                set -l next (math $i + 1)
                test $next -le (count $words); and set config -C $words[$next]
            case '--config=*'
                set config -C (string replace -- --config= '' $words[$i])
        end
    end
    command $program $config $argv </dev/null 2>/dev/null
end

function __sendling_accounts
    __sendling_ask --check -v | string replace -rf '^account ' ''
end

function __sendling_ids
    __sendling_ask -bp | string replace -rf '^([0-9a-f][0-9a-f-]*)[ !#?] .*' '$1'
end

# As --set takes them: a password cannot be set so, nor a file or an account.
function __sendling_keywords
    string join \n smarthost= user= password-file= password-command= \
        password-credential= auth= auth-in-clear= from= force-from= \
        from-header= full-name= domain= aliases= helo= match= recipients= \
        tls-trust= tls-pin= tls-name= tls-certificate= tls-key= tls-crl= \
        tls-verify= tls-priority= timeout= deadline= connect-timeout= \
        pipelining= chunking= family= connect-command= source-address= log= \
        log-format= dsn-notify= dsn-return= spool= spool-lifetime= spool-keep= \
        spool-retry= spool-limit= spool-passing= spool-volatile= spool-report= \
        sender-of= socket-slots= socket-size=
end

# Of a list with commas.
function __sendling_notify
    set -l before (commandline -ct | string replace -rf '^(.*,)?[^,]*$' '$1')
    printf "$before%s\n" never success failure delay
end

# The names of sendmail are another program's, unless they lead here.
function __sendling_is -a name
    command -q $name; and command -q sendling
    and test (realpath (command -s $name)) = (realpath (command -s sendling))
end

set -l names sendling
__sendling_is sendmail; and set -a names sendmail

for name in $names
    complete -c $name -f
    complete -c $name -s t -d 'Recipients also from To, Cc and Bcc'
    complete -c $name -s i -d 'A lone dot does not end the message'
    complete -c $name -s f -x -d 'Envelope sender'
    complete -c $name -s F -x -d 'Full name of a From that is added'
    complete -c $name -s a -x -a '(__sendling_accounts)' -d Account
    complete -c $name -s n -d 'Expand no aliases'
    complete -c $name -s G -d 'Repair no fields'
    complete -c $name -s U -d 'Ask for SMTPUTF8'
    complete -c $name -s N -x -a '(__sendling_notify)' \
        -d 'Delivery status notifications'
    complete -c $name -s R -x -a 'full hdrs' \
        -d 'What of the mail a report returns'
    complete -c $name -s V -x -d 'Envelope identifier'
    complete -c $name -s B -x -a '7BIT 8BITMIME' -d 'Type of the body'
    complete -c $name -s O -x -d 'Set an option of sendmail' \
        -a 'requiretls=yes smtputf8=yes DeliveryMode=queueonly'
    complete -c $name -s L -x -d 'Name in the log'
    complete -c $name -s v -d 'Tell what is done; twice: when'
    complete -c $name -s q -d 'Send what is due in the spool'
    complete -c $name -o qf -d 'Send all that is in the spool'
    complete -c $name -o bs -d 'Speak SMTP on standard input'
    complete -c $name -o bv -d 'Show the envelope; send nothing'
    complete -c $name -o bp -d 'List the mails in the spool'
    complete -c $name -o bi -d 'Look at the aliases'
    complete -c $name -o oi -d 'A lone dot does not end the message'
    complete -c $name -o oeq -d 'Nothing on standard error'
    complete -c $name -o odq -d 'Keep the mail in the spool'
    complete -c $name -o odi -d 'Send the mail now'
end

if __sendling_is mailq
    complete -c mailq -f
    complete -c mailq -l json -d 'As JSON'
    complete -c mailq -s v -d 'Tell what is done'
end
if __sendling_is newaliases
    complete -c newaliases -f
    complete -c newaliases -s v -d 'Tell what is done'
end

set -l ids -x -a '(__sendling_ids)'
complete -c sendling -s C -l config -r -F -d 'Read this configuration only'
complete -c sendling -s X -r -F -d 'Append the dialogue to a file'
complete -c sendling -o bC -d 'Check the configuration'
complete -c sendling -l account -x -a '(__sendling_accounts)' -d Account
complete -c sendling -l set -x -a '(__sendling_keywords)' \
    -d 'A keyword of the configuration'
complete -c sendling -l all-or-none -d 'Send only if all recipients are taken'
complete -c sendling -l json -d 'The result as JSON'
complete -c sendling -l queue-only -d 'Keep the mail in the spool'
complete -c sendling -l no-queue -d 'Send the mail now or fail'
complete -c sendling -l show $ids -d 'Show a mail of the spool'
complete -c sendling -l hold $ids -d 'Hold a mail of the spool'
complete -c sendling -l release $ids -d 'Release a mail of the spool'
complete -c sendling -l delete $ids -d 'Delete a mail of the spool'
complete -c sendling -l check-spool -d 'Whether a mail waits too long'
complete -c sendling -l dry-run -d 'Show what would be sent; send nothing'
complete -c sendling -l check -d 'Check the configuration'
complete -c sendling -l probe -d 'Test the login; send nothing'
complete -c sendling -l serverinfo -d 'Test the login; send nothing'
complete -c sendling -l help -d 'List the options'
complete -c sendling -l version -d 'Tell the version'

complete -c sendling-setup -f
complete -c sendling-setup -s n -d 'Show what would be written; write nothing'
complete -c sendling-setup -l system -d 'For the whole machine'
complete -c sendling-setup -s p -r -F -d 'Table of providers'

complete -c sendling-token -f
complete -c sendling-token -s d -x -a '(__fish_complete_directories)' \
    -d 'Folder of the tokens'
complete -c sendling-token -l login -d 'Log in, or log in again'
complete -c sendling-token -l paste -d 'With any browser'
complete -c sendling-token -l listen -d 'With a browser of this machine'
complete -c sendling-token -l device -d 'By a code for any machine'
complete -c sendling-token -l unattended -d 'Client credentials'
complete -c sendling-token -l provider -x -d 'Provider of the table'
complete -c sendling-token -l tenant -x -d Tenant
complete -c sendling-token -l client-id -x -d Client
complete -c sendling-token -l secret-file -r -F -d 'Its secret'
complete -c sendling-token -l scope -x -d Scope
complete -c sendling-token -l redirect -x -d 'Where the browser is sent'
complete -c sendling-token -l authorization-endpoint -x \
    -d 'Of a provider of your own'
complete -c sendling-token -l token-endpoint -x -d 'Of a provider of your own'
complete -c sendling-token -l device-endpoint -x -d 'Of a provider of your own'
complete -c sendling-token -l help -d 'Show the usage'

complete -c sendling-import -s p -d 'Print passwords as well'
complete -c sendling-import -s s -r -F -d 'File for the password'
complete -c sendling-import -s t -x -a 'msmtp ssmtp nullmailer dma esmtp' \
    -d Program
