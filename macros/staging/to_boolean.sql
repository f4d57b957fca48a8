{# Text as boolean: true or false, yes or no, 1 or 0, their first letters, and the words of mailing lists; null
   when it is none of them. #}
{% macro to_boolean(expression) -%}
    case
        when {{ clientele.clean_label(expression) }} in ('true', 't', 'yes', 'y', '1', '1.0', 'on', 'subscribed') then true
        when {{ clientele.clean_label(expression) }} in (
            'false', 'f', 'no', 'n', '0', '0.0', 'off', 'unsubscribed', 'not_subscribed', 'not subscribed'
        ) then false
    end
{%- endmacro %}
