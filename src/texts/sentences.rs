//! Every sentence that code can say, as a function that takes its values. What is not declared here does not compile,
//! what is declared and never said does not either; that `catalogues/en.toml` or `catalogues/commands.toml` has the
//! words, with places for the same values, is tested below.

use super::text::{Text, TextValue};

/// Declares the sentences of each area: `name(values)` becomes a function, and its key is `area.name`.
macro_rules! sentences {
    ($($(#[$about:meta])* $area:ident { $($name:ident$(($($value:ident),+))?,)* })*) => {
        $(
            $(#[$about])*
            // A sentence that is never said would be translated for nothing.
            #[deny(dead_code)]
            pub(crate) mod $area {
                use super::Text;

                $(
                    pub(crate) fn $name($($($value: impl Into<super::TextValue>),+)?) -> Text {
                        Text::of(concat!(stringify!($area), ".", stringify!($name)))
                            $($(.with(stringify!($value), $value))+)?
                    }
                )*
            }
        )*

        /// Every sentence: its key, and the names of its values.
        const DECLARED: &[(&str, &[&str])] = &[
            $($((concat!(stringify!($area), ".", stringify!($name)), &[$($(stringify!($value)),+)?]),)*)*
        ];
    };
}

sentences! {
    /// Why a command of an administrator is refused, and what to do about it.
    refusal {
        // How a reason and the advice about it are put together for programs and pages.
        alone(message),
        with_hint(message, hint),
        with_two_hints(message, hint, remedy),
        reason(reason),
        see_log,
        // What was typed.
        not_an_account_id(text),
        not_a_registration_id(text),
        not_a_mail_id(text),
        not_an_invitation_id(text),
        not_an_address(text),
        not_a_username(text),
        not_a_name(text),
        not_a_permission(text),
        not_a_place(text),
        not_a_point_in_time(text),
        not_a_time(text),
        not_a_phone(text),
        not_a_group(text),
        not_a_network(text),
        not_an_act(text),
        not_an_outcome(text),
        written_like(example),
        permission_like,
        phone_like,
        network_like,
        group_like,
        one_of(words),
        // Accounts.
        no_account(user),
        names_of_accounts,
        did_you_mean(names),
        needs_login,
        needs_login_hint,
        beyond_helpdesk,
        ask_administrator,
        account_needs_name,
        account_needs_name_hint,
        username_by_itself,
        no_password_without_address,
        give_password,
        username_read_otherwise,
        username_read_otherwise_hint,
        phone_field,
        password_like,
        address_taken(address),
        username_taken(username),
        username_given_up(username),
        username_given_up_hint,
        username_not_given_up(username),
        phone_taken,
        last_name,
        last_name_hint,
        last_administrator(user),
        last_administrator_hint,
        no_second_factor(user),
        no_address_for_link(user),
        no_address_for_link_hint,
        is_disabled(user),
        mailed_enough,
        no_session(id),
        too_many_usernames_kept,
        in_too_many_groups(user, max),
        in_too_many_groups_hint,
        several_registrations(count, user),
        several_registrations_hint,
        replace_registrations,
        username_taken_meanwhile,
        not_limited(text),
        // Registrations and invitations.
        no_registration(id),
        note_too_long(max),
        address_taken_meanwhile,
        address_taken_meanwhile_hint,
        registration_closed,
        registration_closed_hint,
        or_add_account,
        invitation_for_one,
        invitation_for_one_hint,
        invitation_bounds(max),
        has_account(user),
        invited_enough,
        invited_enough_hint,
        no_invitation(id),
        // Groups.
        no_group(group),
        only_group(name),
        groups(names),
        some_groups(names),
        too_many_groups_given(max),
        too_many_permissions(group, max),
        too_many_groups(max),
        too_many_groups_hint,
        administrators_stay,
        administrators_stay_hint,
        // API tokens.
        too_many_tokens(max),
        too_many_tokens_hint,
        scopes_of_administrators,
        too_many_scopes,
        unknown_scope,
        no_scope,
        scopes(words),
        not_a_lifetime,
        lifetime_too_long,
        no_token(id),
        // Application passwords.
        too_many_app_passwords(max),
        too_many_hosts(max),
        too_many_hosts_hint,
        not_a_host(number),
        host_like,
        not_an_end,
        ends_in_the_past,
        later_end,
        no_app_password(id),
        // Mail and webhooks.
        see_templates,
        mail_not_accepted(reason),
        mail_not_accepted_hint,
        mail_refused(reason),
        mail_refused_hint,
        mail_not_queued,
        mail_not_queued_hint,
        mail_not_dropped,
        mail_not_dropped_hint,
        no_webhook(name),
        without_webhooks,
        only_webhook(name),
        webhooks(names),
        webhook_not_told(name, reason),
        webhook_not_told_hint,
        // The audit log, signing keys, the server.
        log_row_unreadable(what),
        log_broken_as_told(reason, detail),
        log_broken_hint,
        too_many_keys,
        too_many_keys_hint,
        only_a_server,
        unknown_command,
        unknown_command_hint,
        // What pages and programs are told of their own account.
        too_many_usernames,
        too_many_factors,
        address_belongs_to_another,
    }

    /// What a page says after something was done.
    notice {
        confirmed,
        registered,
        awaits_approval,
        approved,
        decided_already,
        done_already,
        declined,
        password_changed,
        username_changed,
        username_mailed,
        set_up,
        login_over,
        code_mailed,
        factor_wanted,
        factor_added,
        factor_removed,
        taken_back,
        token_revoked,
        app_password_revoked,
        trust_ended,
        logged_out,
        address_asked,
        address_respelled,
        session_ended,
        account_deleted,
        changed,
        account_gone,
        address_set,
        link_sent,
        invitation_revoked,
        mail_queued,
        mail_dropped,
        limits_lifted,
        webhook_retried,
    }

    /// What else stands on pages.
    page {
        too_often(wait),
        last_login(at, device, network),
        error,
        cannot_be_shown,
    }

    /// What is wrong with a field of a form.
    field {
        required,
        too_short(count),
        too_long(count),
        too_many(count),
        not_printable,
        password_common,
        password_guessable(why),
        password_reused,
        not_an_address,
        not_a_username,
        not_a_code,
        not_a_name,
        not_a_host,
        not_a_language,
        not_a_time,
        in_the_past,
        domain_not_allowed,
        not_invited,
        username_reserved,
        taken,
        username_taken,
        unchanged,
        not_right,
    }

    /// What somebody logs in with.
    agent {
        browser_on_system(browser, system),
        browser(browser),
        program_on_system(system),
        unknown,
    }

    /// What happened to an account several times, in a mail.
    happened {
        token_made(count),
        token_revoked(count),
        factor_added(count),
        factor_removed(count),
        codes_made(count),
        factor_used(count),
        new_login(count),
        password_changed(count),
        username_changed(count),
        address_asked(count),
        phone_changed(count),
        app_password_made(count),
        app_password_revoked(count),
    }

    /// What to do about it.
    advice {
        take_back,
        revoke,
        choose,
    }

    /// What somebody logs in with, as the label of a field.
    identity {
        email,
        username,
        phone,
        email_username,
        email_phone,
        username_phone,
        email_username_phone,
    }

    /// Text messages.
    sms {
        code(code, site),
    }

    /// Why a password is refused.
    password {
        too_short(min),
        too_long(max),
        not_printable,
        common,
        guessable(why),
        reused,
        mostly_names,
        mostly_words,
        mostly_rows,
        mostly_repeated,
        mostly_free,
    }
}

/// Returns every sentence: its key, and the names of its values.
#[must_use]
pub fn sentences() -> &'static [(&'static str, &'static [&'static str])] {
    DECLARED
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::DECLARED;
    use crate::texts::built_in::english;

    #[test]
    fn the_catalogue_has_the_words_of_every_sentence() {
        let written: BTreeSet<&str> = english().keys().collect();
        let missing: Vec<_> = DECLARED.iter().filter(|(key, _)| !written.contains(key)).collect();
        assert!(missing.is_empty(), "without words: {missing:?}");
    }

    #[test]
    fn a_sentence_has_places_for_the_values_that_it_is_given() {
        let mut differing = BTreeMap::new();
        for (key, values) in DECLARED {
            let (mut given, mut places) = (BTreeSet::new(), english().placeholders(key));
            given.extend(values.iter().copied());
            // A number may be said by the form alone.
            places.extend(given.get("count"));
            if given != places {
                differing.insert(key, (given, places));
            }
        }
        assert!(differing.is_empty(), "values, and places: {differing:#?}");
    }
}
