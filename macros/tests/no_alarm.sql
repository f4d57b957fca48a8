{# Fails for each row of the alarm; alarms of severity `info` are listed only.

   Arguments:
     alarm (string): name of the alarm. #}
{% test no_alarm(model, alarm) %}
select *
from {{ model }}
where alarm = '{{ alarm }}' and severity != 'info'
{% endtest %}
